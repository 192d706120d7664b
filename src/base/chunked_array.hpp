#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

namespace wspush {

/// A table that grows by chunks: growing never copies the entries (with a million of them a vector
/// would hold up a turn for milliseconds), and leaves no block of its former size behind in the
/// heap. It does not shrink; addresses stay valid. For plain records.
///
/// Thread: the owner's. Cost: O(1), one look-up more than a vector.
template <typename T>
class ChunkedArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  static constexpr std::size_t kChunkEntries = 512;

  T& operator[](std::size_t index) {
    return (*chunks_[index / kChunkEntries])[index % kChunkEntries];
  }
  const T& operator[](std::size_t index) const {
    return (*chunks_[index / kChunkEntries])[index % kChunkEntries];
  }

  std::size_t size() const { return size_; }

  /// At least `count` entries; the new ones are as T() makes them. May throw bad_alloc; nothing of
  /// what is there has changed then.
  void grow_to(std::size_t count) {
    while (chunks_.size() * kChunkEntries < count) {
      chunks_.push_back(std::make_unique<Chunk>());
    }
    if (size_ < count) {
      size_ = count;
    }
  }

 private:
  using Chunk = std::array<T, kChunkEntries>;

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace wspush
