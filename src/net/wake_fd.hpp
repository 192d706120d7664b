#pragma once

#include "base/unique_fd.hpp"

namespace wspush::net {

/// A non-blocking eventfd. Aborts when the system gives none: it is made at start.
class WakeFd {
 public:
  WakeFd();

  int fd() const { return fd_.get(); }
  /// Makes fd() readable. Thread: any.
  void signal() noexcept;
  /// Makes it unreadable until the next signal().
  void clear() noexcept;

 private:
  UniqueFd fd_;
};

}  // namespace wspush::net
