#pragma once

#include "base/check.hpp"

#ifndef NDEBUG
#include <thread>
#endif

namespace wspush::net {

/// Holds an object to one thread: the first one that calls check(). So it may be made by one
/// thread and then given to its reactor. Debug builds only; a release carries an empty member.
class OwnerThread {
 public:
#ifdef NDEBUG
  void check() const {
  }
#else
  void check() const {
    if (owner_ == std::thread::id()) {
      owner_ = std::this_thread::get_id();
    }
    WSPUSH_CHECK(owner_ == std::this_thread::get_id());
  }

 private:
  mutable std::thread::id owner_;
#endif
};

}  // namespace wspush::net
