#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wspush {

/// Slow and obvious: decodes each code point to its number and asks whether it is allowed and
/// whether this was its shortest form.
inline bool slow_is_valid(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const unsigned first = static_cast<unsigned char>(text[at]);
    const std::size_t bytes = first < 0x80             ? 1
                              : (first & 0xE0) == 0xC0 ? 2
                              : (first & 0xF0) == 0xE0 ? 3
                              : (first & 0xF8) == 0xF0 ? 4
                                                       : 0;
    if (bytes == 0 || at + bytes > text.size()) {
      return false;
    }
    std::uint32_t value = bytes == 1 ? first : first & (0x7FU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
      const unsigned next = static_cast<unsigned char>(text[at + i]);
      if ((next & 0xC0) != 0x80) {
        return false;
      }
      value = value << 6 | (next & 0x3F);
    }
    constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
    if (value < kLeast[bytes] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      return false;
    }
    at += bytes;
  }
  return true;
}

/// True when `text` is the beginning of a valid text: by trying every kind of continuation.
inline bool slow_can_become_valid(std::string_view text) {
  std::vector<std::string> candidates = {""};
  for (int round = 0; round < 4; ++round) {
    std::vector<std::string> longer;
    for (const std::string& end : candidates) {
      if (slow_is_valid(std::string(text) + end)) {
        return true;
      }
      for (const char next : {'\x80', '\x90', '\xA0'}) {
        longer.push_back(end + next);
      }
    }
    candidates = longer;
  }
  return false;
}

}  // namespace wspush
