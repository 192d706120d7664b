#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "base/check.hpp"

namespace wspush {

/// Memory for small records of which a thread has very many: dense, without the 8 to 23 bytes that
/// the general allocator adds to each. What is given back is used for the next record of its size;
/// chunks stay until the thread ends, as those of a SlotMap do.
///
/// For a class's own `operator new` and `operator delete`. A record is given back by the thread
/// that took it. Cost: O(1).
class RecordPool {
 public:
  static constexpr std::size_t kRecordBytesMax = 256;
  static constexpr std::size_t kChunkBytes = 16 * 1024;

  static RecordPool& of_this_thread() {
    static thread_local RecordPool pool;
    return pool;
  }

  RecordPool() = default;
  RecordPool(const RecordPool&) = delete;
  RecordPool& operator=(const RecordPool&) = delete;
  ~RecordPool() { WSPUSH_ASSERT(taken_ == 0); }

  /// Room for `bytes` (at most kRecordBytesMax), aligned as for a pointer. May throw bad_alloc.
  void* take(std::size_t bytes) {
    Free*& free = free_of(bytes);
    if (free == nullptr) {
      add_chunk(bytes);
    }
    Free* const record = free;
    free = record->next;
    ++taken_;
    return record;
  }

  /// `bytes` as it was taken with.
  void give_back(void* record, std::size_t bytes) noexcept {
    Free*& free = free_of(bytes);
    free = ::new (record) Free{free};
    --taken_;
  }

  /// Records that are out.
  std::size_t taken() const { return taken_; }

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t kGrain = sizeof(Free);

  Free*& free_of(std::size_t bytes) {
    WSPUSH_ASSERT(bytes > 0 && bytes <= kRecordBytesMax);
    return free_[(bytes - 1) / kGrain];
  }

  void add_chunk(std::size_t bytes) {
    const std::size_t record_bytes = (bytes + kGrain - 1) / kGrain * kGrain;
    chunks_.push_back(std::make_unique<std::byte[]>(kChunkBytes));
    std::byte* const chunk = chunks_.back().get();
    Free*& free = free_of(bytes);
    // From the back, so that the first to be taken lies in front.
    for (std::size_t i = kChunkBytes / record_bytes; i-- > 0;) {
      free = ::new (chunk + i * record_bytes) Free{free};
    }
  }

  std::array<Free*, kRecordBytesMax / kGrain> free_{};  ///< by size, a list each
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::size_t taken_ = 0;
};

}  // namespace wspush
