#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "wspush/base/bytes.hpp"

#include "websocket/frame_error.hpp"
#include "websocket/masking.hpp"

// The head of a frame (RFC 6455 §5.2), 2 to 14 bytes:
//
//    byte 0            byte 1            0, 2 or 8 bytes        0 or 4 bytes
//   +-+-+-+-+-------+ +-+-------------+ +--------------------+ +-------------+
//   |F|R|R|R|opcode | |M| length      | | length, big-endian | | masking key |
//   |I|S|S|S|       | |A| 0..125, or  | | if 126: 16 bits    | | if MASK     |
//   |N|V|V|V|       | |S| 126, 127    | | if 127: 64 bits    | |             |
//   | |1|2|3|       | |K|             | | (highest bit 0)    | |             |
//   +-+-+-+-+-------+ +-+-------------+ +--------------------+ +-------------+
namespace wspush::websocket {

enum class Opcode : std::uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA,
};

constexpr bool is_control(Opcode opcode) {
  return (static_cast<unsigned>(opcode) & 0x8U) != 0;
}

/// Which end of the connection *we* are: a server demands masked frames, a client refuses them.
enum class Role : std::uint8_t { kServer, kClient };

inline constexpr std::size_t kFrameHeaderBytesMax = 14;
inline constexpr std::size_t kControlPayloadBytesMax = 125;

struct FrameHeader {
  std::uint64_t payload_bytes = 0;  ///< below 2^63
  MaskingKey masking_key{};         ///< zero without a mask
  Opcode opcode = Opcode::kContinuation;
  bool fin = false;
  bool rsv1 = false;
  bool masked = false;
  std::uint8_t header_bytes = 0;  ///< 0: more bytes are needed
};

/// What a frame is held to by what the handshake agreed on.
struct HeaderRules {
  Role role = Role::kServer;
  bool allow_rsv1 = false;  ///< permessage-deflate: RSV1 on the first frame of a message
};

/// Reads the frame header at the start of `input` into `header`. With `header.header_bytes` 0 and
/// kNone, `input` is the valid beginning of a header and more is needed.
///
/// Errors: as soon as the byte that is wrong is there, in the order of the bytes, so that the way
/// `input` was cut never changes the answer. A length that is not in its shortest form is an error
/// (§5.2: "the minimal number of bytes MUST be used"). Never allocates. Cost: O(1).
FrameError parse_frame_header(ByteView input, HeaderRules rules, FrameHeader& header) noexcept;

/// A frame of the plain kind, which nearly all of a client's are: it has FIN and no RSV bit, is
/// text, binary, ping or pong, masked, and of at most 65,535 bytes.
struct PlainFrame {
  Opcode opcode = Opcode::kText;
  std::uint8_t header_bytes = 0;
  std::uint16_t payload_bytes = 0;
  MaskingKey masking_key{};
};

/// Whether `input` begins with the whole of a plain frame. False says nothing about what is there
/// instead, not even whether it is good: that is for parse_frame_header(). Inline, as it stands in
/// the way of every message. Never allocates. Cost: O(1).
inline bool find_plain_frame(ByteView input, PlainFrame& frame) noexcept {
  constexpr unsigned kFinOnly = 0x80;
  constexpr unsigned kMaskBit = 0x80;
  constexpr unsigned kPlainOpcodes = 0b0000'0110'0000'0110;  // bit n for opcode n
  constexpr std::size_t kShortHeaderBytes = 2 + sizeof(MaskingKey);
  constexpr std::size_t kLongHeaderBytes = 4 + sizeof(MaskingKey);
  if (input.size() < kShortHeaderBytes) {
    return false;
  }
  const auto byte = [input](std::size_t index) -> unsigned {
    return static_cast<std::uint8_t>(input[index]);
  };
  const unsigned opcode = byte(0) & 0x0FU;
  if ((byte(0) & 0xF0U) != kFinOnly || (kPlainOpcodes >> opcode & 1U) == 0 ||
      (byte(1) & kMaskBit) == 0) {
    return false;
  }
  frame.opcode = static_cast<Opcode>(opcode);
  std::size_t payload_bytes = byte(1) & 0x7FU;
  std::size_t header_bytes = kShortHeaderBytes;
  if (payload_bytes > kControlPayloadBytesMax) {
    if (payload_bytes == 127 || is_control(frame.opcode) || input.size() < kLongHeaderBytes) {
      return false;
    }
    payload_bytes = byte(2) << 8 | byte(3);
    if (payload_bytes <= kControlPayloadBytesMax) {
      return false;  // Not in its shortest form.
    }
    header_bytes = kLongHeaderBytes;
  }
  if (input.size() - header_bytes < payload_bytes) {
    return false;
  }
  std::memcpy(frame.masking_key.data(), input.data() + header_bytes - sizeof(MaskingKey),
              sizeof(MaskingKey));
  frame.header_bytes = static_cast<std::uint8_t>(header_bytes);
  frame.payload_bytes = static_cast<std::uint16_t>(payload_bytes);
  return true;
}

/// Bytes of an unmasked header for a payload of `payload_bytes`: 2, 4 or 10.
constexpr std::size_t frame_header_bytes(std::uint64_t payload_bytes) {
  return payload_bytes <= 125 ? 2 : payload_bytes <= 0xFFFF ? 4 : 10;
}

/// A header in its wire form.
struct EncodedHeader {
  std::array<char, kFrameHeaderBytesMax> bytes;
  std::uint8_t size = 0;

  ByteView view() const { return {bytes.data(), size}; }
};

/// `header` as it goes on the wire, with a masking key where `header.masked` says so;
/// `header.header_bytes` is ignored. Cost: O(1).
EncodedHeader encode_frame_header(const FrameHeader& header) noexcept;

}  // namespace wspush::websocket
