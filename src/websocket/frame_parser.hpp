#pragma once

#include <array>
#include <cstdint>

#include "wspush/base/bytes.hpp"

#include "base/utf8.hpp"
#include "websocket/frame_header.hpp"

namespace wspush::websocket {

/// A run of a frame's payload, unmasked where it lay in the input.
struct FramePiece {
  MutableBytes payload;            ///< dies with the input; empty for an empty frame
  std::uint64_t payload_left = 0;  ///< bytes of the frame that are still to come
  bool is_valid_text = true;       ///< false: not UTF-8; only where a validator was given

  bool is_last() const { return payload_left == 0; }
};

/// Cuts a byte stream into frames without keeping any payload: a frame larger than the buffer
/// streams through. It alternates between two calls:
///
///   while (true) {
///     if (!parser.is_in_frame()) {
///       error = parser.take_header(input, rules, header);
///       if (error != kNone) ...; if (header.header_bytes == 0) return;   // input is used up
///     }
///     piece = parser.take_payload(input);
///     if (!piece.is_last() && input.empty()) return;                     // use it, then read on
///   }
///
/// One lives in every connection: 16 bytes. What is kept of a header that was cut (up to 13 bytes)
/// and what is known of the frame under way share their room. Knows frames only: what may follow
/// what is the MessageAssembler's part. Thread: the owner's. Never allocates.
/// Source: RFC 6455 §5.2, §5.3.
class FrameParser {
 public:
  /// True from the end of a header until take_payload() has returned the last piece, which may be
  /// empty.
  bool is_in_frame() const noexcept { return is_in_frame_; }

  /// True between two frames while nothing is kept of a header: the next byte begins one.
  bool is_at_rest() const noexcept { return !is_in_frame_ && kept_bytes_ == 0; }

  /// Takes the next header, or what is there of it, from the front of `input`. When it is not
  /// whole, `header.header_bytes` is 0 and all of `input` is taken.
  /// Errors: those of parse_frame_header(); do not call again after one. Cost: O(1).
  FrameError take_header(MutableBytes& input, HeaderRules rules, FrameHeader& header) noexcept;

  /// Takes what is there of the frame's payload from the front of `input` and unmasks it in place,
  /// feeding it to `text` in the same pass if one is given. Only while is_in_frame().
  /// Cost: O(bytes taken).
  FramePiece take_payload(MutableBytes& input, Utf8Validator* text = nullptr) noexcept;

  /// FIN and opcode of the frame under way. Only while is_in_frame().
  bool fin() const noexcept { return (first_byte_ & 0x80U) != 0; }
  Opcode opcode() const noexcept { return static_cast<Opcode>(first_byte_ & 0x0FU); }

 private:
  void enter_frame(const FrameHeader& header, std::uint8_t first_byte) noexcept;

  // Between frames: the first kept_bytes_ bytes of a header. In a frame: bytes 0 to 7 what is left
  // of its payload, 8 to 11 the masking key as it applies to the next byte.
  alignas(8) std::array<char, kFrameHeaderBytesMax - 1> room_{};
  std::uint8_t first_byte_ = 0;  ///< of the frame under way: FIN, RSV, opcode
  std::uint8_t kept_bytes_ : 7 = 0;
  bool is_masked_ : 1 = false;
  bool is_in_frame_ = false;
};

static_assert(sizeof(FrameParser) == 16);

}  // namespace wspush::websocket
