#pragma once

#include <cstdint>
#include <string_view>

#include "websocket/close_code.hpp"

namespace wspush::websocket {

/// What a peer can do wrong in framing. The connection ends with `close_code_for(error)`.
enum class FrameError : std::uint8_t {
  kNone,
  kReservedBit,             ///< an RSV bit that no negotiated extension gave a meaning
  kReservedOpcode,          ///< 3 to 7, 11 to 15
  kFragmentedControl,       ///< a control frame without FIN
  kControlTooLong,          ///< a control frame of more than 125 bytes
  kMissingMask,             ///< a client's frame without a masking key
  kUnexpectedMask,          ///< a server's frame with one
  kLengthNotMinimal,        ///< a length that a shorter form could have carried
  kLengthHighBit,           ///< a 64-bit length with its highest bit set
  kUnexpectedContinuation,  ///< a continuation while no message is unfinished
  kExpectedContinuation,    ///< a new message while one is unfinished
  kCloseTooShort,           ///< a close payload of one byte
  kCloseCode,               ///< a close code that must not be on the wire
  kCloseReasonNotUtf8,
  kTextNotUtf8,
  kInvalidDeflate,  ///< a compressed message that is no run of whole DEFLATE blocks
  kTooManyFrames,   ///< more than `frames_per_message`
  kMessageTooBig,   ///< more than `message_bytes`
  kInflatesTooFar,  ///< more than `max_ratio` times what came
};

/// The code to close with: 1002, 1007, 1008 or 1009. `error` must not be kNone.
CloseCode close_code_for(FrameError error) noexcept;

/// A short English phrase, good as a close frame's reason (at most 123 bytes) and for the log.
std::string_view describe(FrameError error) noexcept;

/// Where the rule stands, as "RFC 6455 5.2"; empty where it is a limit of ours.
std::string_view source_of(FrameError error) noexcept;

}  // namespace wspush::websocket
