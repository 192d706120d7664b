#include "net/output_queue.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/check.hpp"

namespace wspush::net {
namespace {

// With the chunk's head 1,024 bytes or less: what glibc's per-thread cache serves.
constexpr std::size_t kFirstChunkBytes = 960;
constexpr std::size_t kChunkBytes = 4096;

}  // namespace

/// A head, and `capacity` bytes behind it in the same allocation.
struct OutputQueue::Chunk {
  Chunk* next;
  std::size_t begin;
  std::size_t end;
  std::size_t capacity;
  // Of the whole queue, kept in its first chunk only, so that an empty queue is one null pointer.
  Chunk* tail;
  std::size_t queued;

  char* data() { return reinterpret_cast<char*>(this + 1); }
  std::size_t room() const { return capacity - end; }
  void add(ByteView bytes) {
    std::memcpy(data() + end, bytes.data(), bytes.size());
    end += bytes.size();
  }
};

OutputQueue::Chunk* OutputQueue::make_chunk(std::size_t capacity) {
  void* memory = ::operator new(sizeof(Chunk) + capacity);
  auto* chunk = new (memory) Chunk{nullptr, 0, 0, capacity, nullptr, 0};
  chunk->tail = chunk;
  return chunk;
}

void OutputQueue::append(ByteView bytes) {
  if (bytes.empty()) {
    return;
  }
  if (head_ == nullptr) {
    head_ = make_chunk(std::max(kFirstChunkBytes, bytes.size()));
    head_->add(bytes);
    head_->queued = bytes.size();
    return;
  }
  Chunk* last = head_->tail;
  const ByteView fits = bytes.substr(0, std::min(last->room(), bytes.size()));
  const ByteView rest = bytes.substr(fits.size());
  if (!rest.empty()) {
    // Before anything is copied: half a frame must not stay if there is no memory.
    Chunk* added = make_chunk(std::max(kChunkBytes, rest.size()));
    added->add(rest);
    last->next = added;
    head_->tail = added;
  }
  if (!fits.empty()) {
    last->add(fits);
  }
  head_->queued += bytes.size();
}

std::size_t OutputQueue::bytes() const {
  return head_ == nullptr ? 0 : head_->queued;
}

std::size_t OutputQueue::fill(std::vector<iovec>& pieces, std::size_t pieces_max) const {
  std::size_t filled = 0;
  for (Chunk* chunk = head_; chunk != nullptr && pieces_max > 0; chunk = chunk->next) {
    const std::size_t size = chunk->end - chunk->begin;
    pieces.push_back({chunk->data() + chunk->begin, size});
    filled += size;
    --pieces_max;
  }
  return filled;
}

void OutputQueue::consume(std::size_t count) {
  WSPUSH_CHECK(count <= bytes());
  while (head_ != nullptr) {
    const std::size_t used = std::min(count, head_->end - head_->begin);
    head_->begin += used;
    head_->queued -= used;
    count -= used;
    if (head_->begin != head_->end) {
      return;
    }
    Chunk* next = head_->next;
    if (next != nullptr) {
      next->tail = head_->tail;
      next->queued = head_->queued;
    }
    ::operator delete(head_);
    head_ = next;
  }
}

void OutputQueue::clear() noexcept {
  while (head_ != nullptr) {
    ::operator delete(std::exchange(head_, head_->next));
  }
}

}  // namespace wspush::net
