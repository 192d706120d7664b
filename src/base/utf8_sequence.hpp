#pragma once

#include <cstddef>

#include "wspush/base/bytes.hpp"

namespace wspush {

/// The length of the UTF-8 sequence (RFC 3629 §4) that `text` begins with, 1 to 4; 0 when it begins
/// with anything else: a stray or missing continuation byte, an overlong form, a surrogate, a value
/// above U+10FFFF, or nothing at all. For the rare paths that repair or point at bad text; whole
/// texts are validated by vector code.
constexpr std::size_t utf8_sequence_bytes(ByteView text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) {
    return 0;
  }
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  std::size_t length = 0;
  unsigned low = 0x80;  // what the second byte may be
  unsigned high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    low = lead == 0xe0 ? 0xa0 : low;    // below: overlong
    high = lead == 0xed ? 0x9f : high;  // above: surrogates
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    low = lead == 0xf0 ? 0x90 : low;    // below: overlong
    high = lead == 0xf4 ? 0x8f : high;  // above: beyond U+10FFFF
  }
  if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high) {
    return 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return length;
}

}  // namespace wspush
