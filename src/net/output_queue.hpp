#pragma once

#include <cstddef>
#include <sys/uio.h>
#include <utility>
#include <vector>

#include "wspush/base/bytes.hpp"

namespace wspush::net {

/// Bytes that wait for one peer: replies and control frames. (Messages wait in the topic's log.)
///
/// One pointer; owns no memory when empty. The first chunk is small enough for the allocator's fast
/// path, later ones are 4 KiB, or the size of one large reply. How much may wait is the caller's
/// limit: look at bytes() before append(). Thread: the connection's reactor.
class OutputQueue {
 public:
  OutputQueue() = default;
  OutputQueue(OutputQueue&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
  OutputQueue& operator=(OutputQueue&& other) noexcept {
    if (this != &other) {
      clear();
      head_ = std::exchange(other.head_, nullptr);
    }
    return *this;
  }
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;
  ~OutputQueue() { clear(); }

  /// Copies `bytes` to the end. May throw bad_alloc; then nothing of them was taken.
  void append(ByteView bytes);

  bool is_empty() const { return head_ == nullptr; }
  /// Bytes that wait. O(1).
  std::size_t bytes() const;

  /// Appends at most `pieces_max` pieces from the front to `pieces`, and returns their bytes. They
  /// point into the queue until the next consume() or clear(); append() leaves them valid.
  std::size_t fill(std::vector<iovec>& pieces, std::size_t pieces_max) const;

  /// Drops `count` bytes (at most bytes()) from the front: they were sent. Frees what is used up.
  void consume(std::size_t count);

  void clear() noexcept;

 private:
  struct Chunk;
  static Chunk* make_chunk(std::size_t capacity);

  Chunk* head_ = nullptr;
};

}  // namespace wspush::net
