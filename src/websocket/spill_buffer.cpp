#include "websocket/spill_buffer.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.hpp"

namespace wspush::websocket {
namespace {

constexpr std::size_t kFirstCapacityBytes = 32;

}  // namespace

/// The head of the allocation; `capacity_bytes` and the padding follow it.
struct SpillBuffer::Block {
  std::size_t capacity_bytes;
  std::size_t message_bytes;
  std::size_t control_bytes;

  char* data() { return reinterpret_cast<char*>(this + 1); }
};

SpillBuffer& SpillBuffer::operator=(SpillBuffer&& other) noexcept {
  if (this != &other) {
    release();
    block_ = std::exchange(other.block_, nullptr);
  }
  return *this;
}

void SpillBuffer::append_message(ByteView bytes, std::uint64_t bytes_expected) {
  if (bytes.empty()) {
    return;
  }
  WSPUSH_ASSERT(control_bytes() == 0);
  reserve(message_bytes() + bytes.size(), bytes_expected);
  std::memcpy(block_->data() + block_->message_bytes, bytes.data(), bytes.size());
  block_->message_bytes += bytes.size();
}

void SpillBuffer::append_control(ByteView bytes) {
  if (bytes.empty()) {
    return;
  }
  const std::size_t used = message_bytes() + control_bytes();
  reserve(used + bytes.size(), used + bytes.size());
  std::memcpy(block_->data() + used, bytes.data(), bytes.size());
  block_->control_bytes += bytes.size();
}

void SpillBuffer::reserve(std::size_t bytes_needed, std::uint64_t bytes_expected) {
  if (block_ != nullptr && bytes_needed <= block_->capacity_bytes) {
    return;
  }
  const std::size_t twice = block_ == nullptr ? kFirstCapacityBytes : 2 * block_->capacity_bytes;
  const auto useful = static_cast<std::size_t>(std::min<std::uint64_t>(twice, bytes_expected));
  const std::size_t capacity = std::max(bytes_needed, useful);
  void* const memory = ::operator new(sizeof(Block) + capacity + kPaddingBytes);
  Block* const block = new (memory) Block{capacity, message_bytes(), control_bytes()};
  if (block_ != nullptr) {
    std::memcpy(block->data(), block_->data(), block->message_bytes + block->control_bytes);
    release();
  }
  block_ = block;
}

MutableBytes SpillBuffer::view_message() noexcept {
  return block_ == nullptr ? MutableBytes{} : MutableBytes{block_->data(), block_->message_bytes};
}

MutableBytes SpillBuffer::view_control() noexcept {
  return block_ == nullptr
             ? MutableBytes{}
             : MutableBytes{block_->data() + block_->message_bytes, block_->control_bytes};
}

std::size_t SpillBuffer::message_bytes() const noexcept {
  return block_ == nullptr ? 0 : block_->message_bytes;
}

std::size_t SpillBuffer::control_bytes() const noexcept {
  return block_ == nullptr ? 0 : block_->control_bytes;
}

void SpillBuffer::drop_control() noexcept {
  if (block_ == nullptr) {
    return;
  }
  block_->control_bytes = 0;
  if (block_->message_bytes == 0) {
    release();
  }
}

void SpillBuffer::release() noexcept {
  ::operator delete(std::exchange(block_, nullptr));
}

std::size_t SpillBuffer::heap_bytes() const noexcept {
  return block_ == nullptr ? 0 : sizeof(Block) + block_->capacity_bytes + kPaddingBytes;
}

}  // namespace wspush::websocket
