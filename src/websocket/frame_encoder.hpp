#pragma once

#include <string>

#include "wspush/base/bytes.hpp"

#include "websocket/close_code.hpp"
#include "websocket/frame_header.hpp"

namespace wspush::websocket {

/// The header of an unmasked, unfragmented frame, for callers that keep the payload elsewhere.
EncodedHeader encode_server_header(Opcode opcode, std::uint64_t payload_bytes,
                                   bool rsv1 = false) noexcept;

/// Appends an unmasked, unfragmented frame to `out`: what a server sends. A control frame's
/// payload must not be over 125 bytes. Cost: O(payload), at most one growth of `out`.
void append_frame(std::string& out, Opcode opcode, ByteView payload);

/// Appends a masked, unfragmented frame to `out`: what a client sends. `key` is new for each frame
/// and not to be guessed (RFC 6455 §5.3).
void append_masked_frame(std::string& out, Opcode opcode, ByteView payload, MaskingKey key);

/// The payload of a close frame; empty for kNoStatus. A reason over 123 bytes is cut before the
/// code point that would cross that bound. `code` must be one that may be sent, or kNoStatus.
/// Source: RFC 6455 §5.5.1.
std::string encode_close_payload(CloseCode code, ByteView reason);

/// A whole unmasked close frame.
std::string encode_close(CloseCode code, ByteView reason);

/// The same with the code's own phrase as its reason.
std::string encode_close(CloseCode code);

}  // namespace wspush::websocket
