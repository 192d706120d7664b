#include "websocket/message_assembler.hpp"

#include <limits>

namespace wspush::websocket {
namespace {

using Kind = AssemblerEvent::Kind;

void drop(MutableBytes& input) {
  input = input.last(0);
}

}  // namespace

AssemblerEvent MessageAssembler::next(MutableBytes& input, const MessageRules& rules) {
  // Nearly everything that a client sends is a plain frame that lies whole in the input. What comes
  // of it is what the long way below makes of it, which judges all the rest.
  PlainFrame frame;
  if (is_at_rest() && rules.role == Role::kServer && rules.frames_per_message_max > 0 &&
      find_plain_frame(as_view(input), frame) && frame.payload_bytes <= rules.message_bytes_max)
      [[likely]] {
    return take_plain_frame(input, frame);
  }
  forget_handed_up();
  if (is_finished_) {
    drop(input);
    return {};
  }
  const Event event = next_event(input, rules);
  if (is_finished_) {
    drop(input);
  }
  return event;
}

/// Nothing is kept of what came before, and there is nothing to forget.
bool MessageAssembler::is_at_rest() const noexcept {
  return parser_.is_at_rest() && spill_.is_empty() && !is_in_message_ && !is_finished_ &&
         !is_message_handed_up_ && !is_control_handed_up_;
}

AssemblerEvent MessageAssembler::take_plain_frame(MutableBytes& input,
                                                  const PlainFrame& frame) noexcept {
  const MutableBytes payload = input.subspan(frame.header_bytes, frame.payload_bytes);
  input = input.subspan(std::size_t{frame.header_bytes} + frame.payload_bytes);
  if (frame.opcode == Opcode::kText) {
    if (!unmask_text(payload, frame.masking_key, text_) || !text_.is_complete()) {
      drop(input);
      return fail(FrameError::kTextNotUtf8);
    }
    return {.kind = Kind::kText, .payload = payload};
  }
  unmask(payload, frame.masking_key);
  return {.kind = frame.opcode == Opcode::kBinary ? Kind::kBinary
                  : frame.opcode == Opcode::kPing ? Kind::kPing
                                                  : Kind::kPong,
          .payload = payload};
}

AssemblerEvent MessageAssembler::next_event(MutableBytes& input, const MessageRules& rules) {
  while (true) {
    if (!parser_.is_in_frame()) {
      FrameHeader header;
      const HeaderRules header_rules{.role = rules.role, .allow_rsv1 = rules.allow_rsv1};
      FrameError error = parser_.take_header(input, header_rules, header);
      if (error == FrameError::kNone) {
        if (header.header_bytes == 0) {
          return {};
        }
        error = begin_frame(header, rules);
      }
      if (error != FrameError::kNone) {
        return fail(error);
      }
    }
    const Event event = is_control(parser_.opcode()) ? take_control(input) : take_data(input);
    if (event.kind != Kind::kNone || parser_.is_in_frame()) {
      return event;  // In a frame without an event, the input is used up.
    }
  }
}

FrameError MessageAssembler::begin_frame(const FrameHeader& header,
                                         const MessageRules& rules) noexcept {
  if (is_control(header.opcode)) {
    return FrameError::kNone;
  }
  if (header.opcode == Opcode::kContinuation) {
    if (!is_in_message_) {
      return FrameError::kUnexpectedContinuation;
    }
  } else {
    if (is_in_message_) {
      return FrameError::kExpectedContinuation;
    }
    is_in_message_ = true;
    is_text_ = header.opcode == Opcode::kText;
    is_compressed_ = header.rsv1;
  }
  if (frames_ >= rules.frames_per_message_max) {
    return FrameError::kTooManyFrames;
  }
  ++frames_;
  // By subtraction: the announced length may be anything below 2^63, and the limit may have become
  // smaller than what is here already.
  const std::uint64_t bytes_max =
      is_compressed_ ? rules.compressed_bytes_max() : rules.message_bytes_max;
  const std::uint64_t here = spill_.message_bytes();
  if (here > bytes_max || header.payload_bytes > bytes_max - here) {
    return FrameError::kMessageTooBig;
  }
  return FrameError::kNone;
}

AssemblerEvent MessageAssembler::take_data(MutableBytes& input) {
  const bool is_last_frame = parser_.fin();
  // Compressed bytes are no text yet; whoever inflates them judges what comes out.
  Utf8Validator* const validator = is_text_ && !is_compressed_ ? &text_ : nullptr;
  const FramePiece piece = parser_.take_payload(input, validator);
  if (!piece.is_valid_text) {
    return fail(FrameError::kTextNotUtf8);
  }
  const bool is_end = is_last_frame && piece.is_last();
  if (is_end && spill_.message_bytes() == 0) [[likely]] {
    return finish_message(piece.payload);
  }
  // What follows a fragment has not been announced: room for exactly what is there would be made
  // anew, and all of it copied, with every fragment.
  const std::uint64_t expected =
      is_last_frame ? spill_.message_bytes() + piece.payload.size() + piece.payload_left
                    : std::numeric_limits<std::uint64_t>::max();
  spill_.append_message(as_view(piece.payload), expected);
  if (!is_end) {
    return {};
  }
  is_message_handed_up_ = true;
  return finish_message(spill_.view_message());
}

AssemblerEvent MessageAssembler::finish_message(MutableBytes payload) noexcept {
  if (!text_.is_complete()) {
    return fail(FrameError::kTextNotUtf8);
  }
  Event event{.kind = is_text_ ? Kind::kText : Kind::kBinary,
              .is_compressed = static_cast<bool>(is_compressed_),
              .payload = payload};
  is_in_message_ = false;
  frames_ = 0;
  return event;
}

AssemblerEvent MessageAssembler::take_control(MutableBytes& input) {
  const FramePiece piece = parser_.take_payload(input);
  if (piece.is_last() && spill_.control_bytes() == 0) [[likely]] {
    return finish_control(piece.payload);
  }
  spill_.append_control(as_view(piece.payload));
  if (!piece.is_last()) {
    return {};
  }
  is_control_handed_up_ = true;
  return finish_control(spill_.view_control());
}

AssemblerEvent MessageAssembler::finish_control(MutableBytes payload) noexcept {
  if (parser_.opcode() != Opcode::kClose) {
    return {.kind = parser_.opcode() == Opcode::kPing ? Kind::kPing : Kind::kPong,
            .payload = payload};
  }
  if (payload.empty()) {
    is_finished_ = true;
    return {.kind = Kind::kClose, .close_code = CloseCode::kNoStatus, .payload = payload};
  }
  if (payload.size() == 1) {
    return fail(FrameError::kCloseTooShort);
  }
  const auto byte = [payload](std::size_t index) -> unsigned {
    return static_cast<std::uint8_t>(payload[index]);
  };
  const auto code = static_cast<std::uint16_t>(byte(0) << 8 | byte(1));
  if (!may_be_received(code)) {
    return fail(FrameError::kCloseCode);
  }
  const MutableBytes reason = payload.subspan(2);
  if (!is_valid_utf8(as_view(reason))) {
    return fail(FrameError::kCloseReasonNotUtf8);
  }
  is_finished_ = true;
  return {.kind = Kind::kClose, .close_code = static_cast<CloseCode>(code), .payload = reason};
}

AssemblerEvent MessageAssembler::fail(FrameError error) noexcept {
  is_finished_ = true;
  spill_.release();
  return {.kind = Kind::kError, .error = error, .close_code = close_code_for(error)};
}

void MessageAssembler::forget_handed_up() noexcept {
  if (is_control_handed_up_) {
    spill_.drop_control();
    is_control_handed_up_ = false;
  }
  if (is_message_handed_up_ || is_finished_) {
    spill_.release();
    is_message_handed_up_ = false;
  }
}

}  // namespace wspush::websocket
