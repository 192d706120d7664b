#pragma once

#include <cstddef>
#include <string>

#include "wspush/base/bytes.hpp"

namespace wspush::cli {

/// Bytes that come at the back and go at the front. Cost: O(bytes), amortised: what is dropped is
/// moved over only when it is more than what is left.
class ByteQueue {
 public:
  void append(ByteView bytes) { bytes_ += bytes; }

  /// Lifetime: until the next append or drop.
  ByteView view() const { return ByteView(bytes_).substr(begin_); }
  std::size_t size() const { return bytes_.size() - begin_; }
  bool empty() const { return size() == 0; }

  /// `count` must not be more than size().
  void drop(std::size_t count) {
    begin_ += count;
    if (begin_ > bytes_.size() / 2) {
      bytes_.erase(0, begin_);
      begin_ = 0;
    }
  }

  void clear() {
    bytes_.clear();
    begin_ = 0;
  }

 private:
  std::string bytes_;
  std::size_t begin_ = 0;
};

}  // namespace wspush::cli
