#pragma once

#include <cstddef>
#include <cstdint>

#include "wspush/base/bytes.hpp"

namespace wspush::websocket {

/// Where an unfinished message, and a control frame that was cut in between its fragments, wait for
/// the rest. One pointer, null when empty: an idle connection owns no buffer.
///
///   | bytes of the message ... | bytes of the control frame (at most 125) | room | padding |
///
/// Behind the bytes there are always kPaddingBytes that may be read (their values mean nothing), as
/// vectorised parsers want it. Move-only. Thread: the owner's.
class SpillBuffer {
 public:
  static constexpr std::size_t kPaddingBytes = 64;

  SpillBuffer() = default;
  SpillBuffer(SpillBuffer&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
  SpillBuffer& operator=(SpillBuffer&& other) noexcept;
  SpillBuffer(const SpillBuffer&) = delete;
  SpillBuffer& operator=(const SpillBuffer&) = delete;
  ~SpillBuffer() { release(); }

  /// Appends to the message; the control frame must be empty. `bytes_expected` (of the whole
  /// message; the largest number while that is not known) only keeps the buffer from growing past
  /// it: room grows with the bytes that came, at most to twice their number, never to what a header
  /// announced.
  /// Cost: O(bytes), amortised. May throw std::bad_alloc, and then changes nothing.
  void append_message(ByteView bytes, std::uint64_t bytes_expected);

  /// Appends to the control frame.
  void append_control(ByteView bytes);

  /// Views die with the next append, drop or release.
  MutableBytes view_message() noexcept;
  MutableBytes view_control() noexcept;

  std::size_t message_bytes() const noexcept;
  std::size_t control_bytes() const noexcept;

  /// Forgets the control frame, and frees the buffer if the message is empty too.
  void drop_control() noexcept;

  /// Frees the buffer.
  void release() noexcept;

  /// Heap bytes owned, padding and bookkeeping included; 0 when empty.
  std::size_t heap_bytes() const noexcept;

  /// Nothing is kept. Inline: it is asked before every message.
  bool is_empty() const noexcept { return block_ == nullptr; }

 private:
  struct Block;

  void reserve(std::size_t bytes_needed, std::uint64_t bytes_expected);

  Block* block_ = nullptr;
};

}  // namespace wspush::websocket
