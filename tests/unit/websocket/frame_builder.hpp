#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wspush::websocket {

/// A frame as a test wants it on the wire, right or wrong, made without the codec's help.
struct BuiltFrame {
  unsigned opcode = 1;
  bool fin = true;
  unsigned rsv = 0;  ///< RSV1 is 4, RSV2 2, RSV3 1
  bool masked = true;
  std::string_view key = "\x37\xfa\x21\x3d";
  std::string_view payload;
  int length_bytes = -1;                 ///< 0, 2, 8: that form; -1: the shortest
  std::uint64_t announced = UINT64_MAX;  ///< another length than the payload's
};

inline std::string build(const BuiltFrame& frame) {
  const std::uint64_t length =
      frame.announced != UINT64_MAX ? frame.announced : frame.payload.size();
  const int length_bytes = frame.length_bytes >= 0 ? frame.length_bytes
                           : length <= 125         ? 0
                           : length <= 65535       ? 2
                                                   : 8;
  std::string out;
  out += static_cast<char>((frame.fin ? 0x80U : 0U) | frame.rsv << 4 | frame.opcode);
  const unsigned mask = frame.masked ? 0x80 : 0;
  out += static_cast<char>(mask | (length_bytes == 0   ? static_cast<unsigned>(length)
                                   : length_bytes == 2 ? 126U
                                                       : 127U));
  for (int shift = 8 * (length_bytes - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(length >> shift & 0xFF);
  }
  if (frame.masked) {
    out += frame.key;
  }
  for (std::size_t i = 0; i < frame.payload.size(); ++i) {
    const char key = frame.masked ? frame.key[i % 4] : '\0';
    out += static_cast<char>(frame.payload[i] ^ key);
  }
  return out;
}

inline std::string text_frame(std::string_view payload) {
  return build({.opcode = 1, .payload = payload});
}

}  // namespace wspush::websocket
