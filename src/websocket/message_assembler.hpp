#pragma once

#include <cstddef>
#include <cstdint>

#include "wspush/base/bytes.hpp"

#include "base/utf8.hpp"
#include "websocket/close_code.hpp"
#include "websocket/frame_parser.hpp"
#include "websocket/spill_buffer.hpp"

namespace wspush::websocket {

/// What messages are held to. One for all connections of a kind: the assembler keeps no copy.
struct MessageRules {
  Role role = Role::kServer;
  bool allow_rsv1 = false;                    ///< permessage-deflate was negotiated
  std::uint64_t message_bytes_max = 1 << 20;  ///< of a message's payload, fragments together
  std::uint32_t frames_per_message_max = 4096;

  /// Bytes of a compressed message as it comes: what does not shrink grows a little, by an eighth
  /// at the very worst (zlib's deflateBound()). What comes out of it is for the inflater to bound.
  std::uint64_t compressed_bytes_max() const {
    return message_bytes_max + message_bytes_max / 8 + 64;
  }
};

/// One thing that the peer said.
struct AssemblerEvent {
  enum class Kind : std::uint8_t {
    kNone,  ///< the input is used up; read on
    kText,  ///< payload: valid UTF-8 (unless is_compressed)
    kBinary,
    kPing,  ///< payload: at most 125 bytes, to be sent back in a pong
    kPong,
    kClose,  ///< close_code, payload: the reason (valid UTF-8); input after it is thrown away
    kError,  ///< error, close_code: what to close with; input after it is thrown away
  };

  Kind kind = Kind::kNone;
  bool is_compressed = false;  ///< RSV1 was set: payload is DEFLATE blocks, not yet judged as text
  FrameError error = FrameError::kNone;
  CloseCode close_code = CloseCode::kNoStatus;  ///< kClose: kNoStatus where the frame was empty
  MutableBytes payload;
};

/// Puts frames together into messages, and judges them: order of fragments, limits, UTF-8, close
/// payloads. Pull style: each call gives one event, so that the caller may pause after any.
///
///   MutableBytes input = received;
///   while ((event = assembler.next(input, rules)).kind != kNone) { ...act on event... }
///
/// - A message or control frame that lies whole in the input is handed up as a view into it: no
///   copy, no allocation. What is unfinished when the input ends is copied to the heap, as much as
///   came; an idle assembler owns nothing. So all of the input has been used when kNone comes.
/// - A frame is judged when its header is whole, before its payload; text as its bytes come, also
///   in an unfinished frame. What was said before an error comes out before it.
/// - After kClose or kError every call takes all input and returns kNone.
///
/// Lifetime: `event.payload` dies with the next call or with the input, whichever is first.
/// Memory: 32 bytes; while a message is unfinished, up to twice what came of it.
/// Errors: FrameError. May throw std::bad_alloc where it copies; the connection cannot go on then.
/// Thread: the owner's. Source: RFC 6455 §5.4 to §5.6, §7.1.5, §8.1.
class MessageAssembler {
 public:
  /// Takes input from its front until there is an event, or nothing left. Cost: O(bytes taken).
  AssemblerEvent next(MutableBytes& input, const MessageRules& rules);

  /// True while a message has begun and not ended (for the timeouts and for moving a connection).
  bool is_in_message() const noexcept { return is_in_message_; }

  /// True after kClose or kError.
  bool is_finished() const noexcept { return is_finished_; }

  /// Heap bytes owned; 0 when idle.
  std::size_t heap_bytes() const noexcept { return spill_.heap_bytes(); }

 private:
  using Event = AssemblerEvent;

  bool is_at_rest() const noexcept;
  Event take_plain_frame(MutableBytes& input, const PlainFrame& frame) noexcept;
  Event next_event(MutableBytes& input, const MessageRules& rules);
  FrameError begin_frame(const FrameHeader& header, const MessageRules& rules) noexcept;
  Event take_data(MutableBytes& input);
  Event take_control(MutableBytes& input);
  Event finish_message(MutableBytes payload) noexcept;
  Event finish_control(MutableBytes payload) noexcept;
  Event fail(FrameError error) noexcept;
  void forget_handed_up() noexcept;

  FrameParser parser_;
  SpillBuffer spill_;
  std::uint32_t frames_ = 0;  ///< data frames of the message so far
  Utf8Validator text_;
  bool is_in_message_ : 1 = false;
  bool is_text_ : 1 = false;
  bool is_compressed_ : 1 = false;
  bool is_finished_ : 1 = false;
  bool is_message_handed_up_ : 1 = false;  ///< the spill holds a message that the caller has seen
  bool is_control_handed_up_ : 1 = false;
};

static_assert(sizeof(MessageAssembler) == 32, "one lives in every connection");

}  // namespace wspush::websocket
