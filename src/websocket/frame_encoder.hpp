#pragma once

#include <string>

#include "wspush/base/bytes.hpp"

#include "base/check.hpp"
#include "websocket/close_code.hpp"
#include "websocket/frame_header.hpp"

namespace wspush::websocket {

/// The header of an unmasked, unfragmented frame, for callers that keep the payload elsewhere: what
/// encode_frame_header() gives, inline, as it is written for every message that is answered.
inline EncodedHeader encode_server_header(Opcode opcode, std::uint64_t payload_bytes,
                                          bool rsv1 = false) noexcept {
  WSPUSH_ASSERT(payload_bytes >> 63 == 0);
  WSPUSH_ASSERT(!is_control(opcode) || payload_bytes <= kControlPayloadBytesMax);
  constexpr unsigned kFin = 0x80;
  constexpr unsigned kRsv1 = 0x40;
  EncodedHeader header;
  const auto put = [&header](std::size_t index, std::uint64_t byte) {
    header.bytes[index] = static_cast<char>(static_cast<std::uint8_t>(byte & 0xFFU));
  };
  put(0, kFin | (rsv1 ? kRsv1 : 0U) | static_cast<unsigned>(opcode));
  header.size = static_cast<std::uint8_t>(frame_header_bytes(payload_bytes));
  if (header.size == 2) {
    put(1, payload_bytes);
  } else if (header.size == 4) {
    put(1, 126);
    put(2, payload_bytes >> 8);
    put(3, payload_bytes);
  } else {
    put(1, 127);
    for (std::size_t index = 0; index < sizeof payload_bytes; ++index) {
      put(2 + index, payload_bytes >> (8 * (sizeof payload_bytes - 1 - index)));
    }
  }
  return header;
}

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
