#include "load/wire.hpp"

#include <array>
#include <cctype>
#include <cstring>
#include <initializer_list>
#include <limits>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "wspush/base/random.hpp"

namespace wspush::load {
namespace {

std::string base64(const unsigned char* bytes, std::size_t count) {
  std::string text((count + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock writes a final NUL.
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes,
                                     static_cast<int>(count));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

// Frame header, RFC 6455 §5.2:
//   FIN RSV1-3 opcode(4) | MASK length(7) | 16 bits if 126, 64 bits if 127 | masking key if MASK
void append_header(std::string& out, std::uint8_t opcode, std::size_t payload_bytes,
                   std::uint8_t mask_bit) {
  out.push_back(static_cast<char>(0x80 | opcode));
  int length_bytes = 0;
  if (payload_bytes < 126) {
    out.push_back(static_cast<char>(mask_bit | payload_bytes));
  } else if (payload_bytes <= std::numeric_limits<std::uint16_t>::max()) {
    out.push_back(static_cast<char>(mask_bit | 126));
    length_bytes = 2;
  } else {
    out.push_back(static_cast<char>(mask_bit | 127));
    length_bytes = 8;
  }
  for (int i = length_bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<char>((payload_bytes >> (8 * i)) & 0xff));
  }
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(text[i])) != lower[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string accept_for(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return base64(digest.data(), digest.size());
}

std::string base64_of(std::string_view bytes) {
  return base64(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string key_from(std::uint64_t seed) {
  SplitMix64 random(seed);
  const std::array<std::uint64_t, 2> nonce{random.next(), random.next()};
  std::array<unsigned char, 16> bytes{};
  std::memcpy(bytes.data(), nonce.data(), bytes.size());
  return base64(bytes.data(), bytes.size());
}

std::string encode_upgrade_request(const UpgradeRequest& request) {
  std::string text;
  text.reserve(256);
  for (const std::string_view part :
       {std::string_view("GET "), request.path, std::string_view(" HTTP/1.1\r\nHost: "),
        request.host,
        std::string_view("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "),
        request.key, std::string_view("\r\n")}) {
    text.append(part);
  }
  if (!request.subprotocol.empty()) {
    text.append("Sec-WebSocket-Protocol: ").append(request.subprotocol).append("\r\n");
  }
  if (!request.extensions.empty()) {
    text.append("Sec-WebSocket-Extensions: ").append(request.extensions).append("\r\n");
  }
  if (!request.token.empty()) {
    text.append("Authorization: Bearer ").append(request.token).append("\r\n");
  }
  text.append("\r\n");
  return text;
}

std::optional<std::string_view> find_header(std::string_view head, std::string_view name) {
  std::size_t line_end = head.find("\r\n");
  while (line_end != std::string_view::npos) {
    const std::size_t start = line_end + 2;
    line_end = head.find("\r\n", start);
    const std::string_view line = head.substr(
        start, line_end == std::string_view::npos ? std::string_view::npos : line_end - start);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !equals_ignoring_case(line.substr(0, colon), name)) {
      continue;
    }
    const std::size_t first = line.find_first_not_of(" \t", colon + 1);
    if (first == std::string_view::npos) {
      return std::string_view();
    }
    return line.substr(first, line.find_last_not_of(" \t") - first + 1);
  }
  return std::nullopt;
}

void append_server_frame(std::string& out, std::uint8_t opcode, std::string_view payload) {
  append_header(out, opcode, payload.size(), 0);
  out.append(payload);
}

void append_client_frame(std::string& out, std::uint8_t opcode, std::string_view payload,
                         std::uint32_t masking_key) {
  append_header(out, opcode, payload.size(), 0x80);
  std::array<char, 4> key{};
  std::memcpy(key.data(), &masking_key, key.size());
  out.append(key.data(), key.size());
  const std::size_t start = out.size();
  out.append(payload);
  apply_mask(out.data() + start, payload.size(), masking_key);
}

void mark_compressed(std::string& out, std::size_t start) {
  out[start] = static_cast<char>(out[start] | 0x40);
}

unsigned close_code_of(std::string_view payload) {
  return payload.size() < 2 ? 0
                            : static_cast<unsigned char>(payload[0]) * 256U +
                                  static_cast<unsigned char>(payload[1]);
}

std::string describe_close(std::string_view payload) {
  if (payload.size() < 2) {
    return "no code";
  }
  return std::to_string(close_code_of(payload)) + " " + std::string(payload.substr(2));
}

FrameStatus parse_frame(std::string_view input, FrameView& frame) {
  if (input.size() < 2) {
    return FrameStatus::kNeedMore;
  }
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
  if ((byte(0) & 0xb0) != 0x80) {  // FIN set, no reserved bit but RSV1
    return FrameStatus::kRefused;
  }
  frame.opcode = byte(0) & 0x0f;
  frame.is_compressed = (byte(0) & 0x40) != 0;
  frame.is_masked = (byte(1) & 0x80) != 0;
  std::uint64_t length = byte(1) & 0x7f;
  std::size_t length_bytes = 0;
  if (length >= 126) {
    length_bytes = length == 126 ? 2 : 8;
    if (input.size() < 2 + length_bytes) {
      return FrameStatus::kNeedMore;
    }
    length = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) {
      length = length << 8 | byte(2 + i);
    }
  }
  if (length > kFrameBytesMax) {
    return FrameStatus::kRefused;
  }
  frame.payload_bytes = static_cast<std::size_t>(length);
  frame.header_bytes = 2 + length_bytes + (frame.is_masked ? 4 : 0);
  if (input.size() < frame.bytes()) {
    return FrameStatus::kNeedMore;
  }
  if (frame.is_masked) {
    std::memcpy(&frame.masking_key, input.data() + 2 + length_bytes, 4);
  }
  return FrameStatus::kWhole;
}

void apply_mask(char* payload, std::size_t bytes, std::uint32_t masking_key) {
  // Eight bytes at once: publishers mask all that they send.
  const std::uint64_t twice = std::uint64_t{masking_key} << 32 | masking_key;
  std::size_t at = 0;
  for (; at + sizeof twice <= bytes; at += sizeof twice) {
    std::uint64_t word = 0;
    std::memcpy(&word, payload + at, sizeof word);
    word ^= twice;
    std::memcpy(payload + at, &word, sizeof word);
  }
  std::array<char, 4> key{};
  std::memcpy(key.data(), &masking_key, key.size());
  for (; at < bytes; ++at) {
    payload[at] = static_cast<char>(payload[at] ^ key[at % 4]);
  }
}

}  // namespace wspush::load
