#include "websocket/frame_header.hpp"

#include <cstring>

#include "base/check.hpp"

namespace wspush::websocket {
namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kRsv1 = 0x40;
constexpr std::uint8_t kRsv2And3 = 0x30;
constexpr std::uint8_t kOpcodeMask = 0x0F;
constexpr std::uint8_t kMask = 0x80;
constexpr std::uint8_t kLengthMask = 0x7F;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;

/// Opcodes that §5.2 defines, bit n for opcode n.
constexpr std::uint16_t kKnownOpcodes = 0b0000'0111'0000'0111;

std::uint8_t byte_at(ByteView input, std::size_t index) {
  return static_cast<std::uint8_t>(input[index]);
}

/// A big-endian number of 2 or 8 bytes.
std::uint64_t number_at(ByteView input, std::size_t index, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    value = value << 8 | byte_at(input, index + i);
  }
  return value;
}

FrameError judge_first_byte(std::uint8_t byte, HeaderRules rules) {
  const std::uint8_t opcode = byte & kOpcodeMask;
  if ((byte & kRsv2And3) != 0) {
    return FrameError::kReservedBit;
  }
  if ((byte & kRsv1) != 0) {
    // RFC 7692 §6: only the first frame of a message says whether it is compressed.
    const bool starts_message = opcode == static_cast<std::uint8_t>(Opcode::kText) ||
                                opcode == static_cast<std::uint8_t>(Opcode::kBinary);
    if (!rules.allow_rsv1 || !starts_message) {
      return FrameError::kReservedBit;
    }
  }
  if ((kKnownOpcodes >> opcode & 1U) == 0) {
    return FrameError::kReservedOpcode;
  }
  if (is_control(static_cast<Opcode>(opcode)) && (byte & kFin) == 0) {
    return FrameError::kFragmentedControl;
  }
  return FrameError::kNone;
}

FrameError judge_second_byte(std::uint8_t byte, Opcode opcode, Role role) {
  const bool is_masked = (byte & kMask) != 0;
  if (role == Role::kServer && !is_masked) {
    return FrameError::kMissingMask;
  }
  if (role == Role::kClient && is_masked) {
    return FrameError::kUnexpectedMask;
  }
  if (is_control(opcode) && (byte & kLengthMask) > kControlPayloadBytesMax) {
    return FrameError::kControlTooLong;
  }
  return FrameError::kNone;
}

FrameError judge_length(std::uint64_t length, std::size_t length_bytes) {
  if (length_bytes == 2 && length < kLength16) {
    return FrameError::kLengthNotMinimal;
  }
  if (length_bytes == 8) {
    if (length >> 63 != 0) {
      return FrameError::kLengthHighBit;
    }
    if (length <= 0xFFFF) {
      return FrameError::kLengthNotMinimal;
    }
  }
  return FrameError::kNone;
}

}  // namespace

FrameError parse_frame_header(ByteView input, HeaderRules rules, FrameHeader& header) noexcept {
  header = {};
  if (input.empty()) {
    return FrameError::kNone;
  }
  const std::uint8_t first = byte_at(input, 0);
  if (const FrameError error = judge_first_byte(first, rules); error != FrameError::kNone) {
    return error;
  }
  header.fin = (first & kFin) != 0;
  header.rsv1 = (first & kRsv1) != 0;
  header.opcode = static_cast<Opcode>(first & kOpcodeMask);
  if (input.size() < 2) {
    return FrameError::kNone;
  }

  const std::uint8_t second = byte_at(input, 1);
  if (const FrameError error = judge_second_byte(second, header.opcode, rules.role);
      error != FrameError::kNone) {
    return error;
  }
  header.masked = (second & kMask) != 0;
  const std::uint8_t short_length = second & kLengthMask;
  const std::size_t length_bytes = short_length == kLength16   ? 2
                                   : short_length == kLength64 ? 8
                                                               : 0;
  const std::size_t key_at = 2 + length_bytes;
  if (input.size() < key_at) {
    return FrameError::kNone;
  }
  header.payload_bytes = short_length;
  if (length_bytes != 0) {
    header.payload_bytes = number_at(input, 2, length_bytes);
    if (const FrameError error = judge_length(header.payload_bytes, length_bytes);
        error != FrameError::kNone) {
      return error;
    }
  }

  const std::size_t header_bytes = key_at + (header.masked ? sizeof(MaskingKey) : 0);
  if (input.size() < header_bytes) {
    return FrameError::kNone;
  }
  if (header.masked) {
    std::memcpy(header.masking_key.data(), input.data() + key_at, sizeof(MaskingKey));
  }
  header.header_bytes = static_cast<std::uint8_t>(header_bytes);
  return FrameError::kNone;
}

EncodedHeader encode_frame_header(const FrameHeader& header) noexcept {
  WSPUSH_ASSERT(header.payload_bytes >> 63 == 0);
  WSPUSH_ASSERT(!is_control(header.opcode) ||
                (header.fin && header.payload_bytes <= kControlPayloadBytesMax));
  EncodedHeader out{};
  const auto put = [&out](unsigned byte) {
    out.bytes[out.size++] = static_cast<char>(static_cast<std::uint8_t>(byte));
  };
  const unsigned mask = header.masked ? kMask : 0U;
  put((header.fin ? kFin : 0U) | (header.rsv1 ? kRsv1 : 0U) | static_cast<unsigned>(header.opcode));
  const std::size_t length_bytes = frame_header_bytes(header.payload_bytes) - 2;
  if (length_bytes == 0) {
    put(mask | static_cast<unsigned>(header.payload_bytes));
  } else {
    put(mask | (length_bytes == 2 ? kLength16 : kLength64));
    for (std::size_t i = length_bytes; i-- > 0;) {
      put(static_cast<unsigned>(header.payload_bytes >> (8 * i)) & 0xFFU);
    }
  }
  if (header.masked) {
    for (const std::uint8_t byte : header.masking_key) {
      put(byte);
    }
  }
  return out;
}

}  // namespace wspush::websocket
