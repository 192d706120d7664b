#include "base/base64.hpp"

#include <array>
#include <cstdint>

namespace wspush {
namespace {

constexpr char kStandard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kUrl[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t kNoDigit = 0xFF;

using Digits = std::array<std::uint8_t, 256>;

constexpr Digits digits_of(const char* alphabet) {
  Digits digits{};
  for (std::uint8_t& digit : digits) {
    digit = kNoDigit;
  }
  for (std::uint8_t value = 0; value < 64; ++value) {
    digits[static_cast<std::uint8_t>(alphabet[value])] = value;
  }
  return digits;
}

constexpr Digits kStandardDigits = digits_of(kStandard);
constexpr Digits kUrlDigits = digits_of(kUrl);

void encode(std::string& out, ByteView bytes, const char* alphabet, bool is_padded) {
  out.reserve(out.size() + base64_chars(bytes.size()));
  const auto byte = [bytes](std::size_t index) -> std::uint32_t {
    return static_cast<std::uint8_t>(bytes[index]);
  };
  const auto digit = [alphabet](std::uint32_t group, unsigned shift) {
    return alphabet[(group >> shift) & 0x3FU];
  };
  std::size_t at = 0;
  for (; bytes.size() - at >= 3; at += 3) {
    const std::uint32_t group = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    const char digits[] = {digit(group, 18), digit(group, 12), digit(group, 6), digit(group, 0)};
    out.append(digits, 4);
  }
  if (const std::size_t left = bytes.size() - at; left == 1) {
    const std::uint32_t group = byte(at) << 16;
    out += {digit(group, 18), digit(group, 12)};
    out += is_padded ? "==" : "";
  } else if (left == 2) {
    const std::uint32_t group = byte(at) << 16 | byte(at + 1) << 8;
    out += {digit(group, 18), digit(group, 12), digit(group, 6)};
    out += is_padded ? "=" : "";
  }
}

/// Decodes digits without padding.
std::optional<std::string> decode(ByteView text, const Digits& digits) {
  const std::size_t rest = text.size() % 4;
  if (rest == 1) {
    return std::nullopt;  // Six bits are no byte.
  }
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (const char character : text) {
    const std::uint8_t digit = digits[static_cast<std::uint8_t>(character)];
    if (digit == kNoDigit) {
      return std::nullopt;
    }
    bits = bits << 6 | digit;
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      out += static_cast<char>(bits >> bit_count & 0xFFU);
    }
  }
  if ((bits & ((1U << bit_count) - 1)) != 0) {
    return std::nullopt;
  }
  return out;
}

}  // namespace

void append_base64(std::string& out, ByteView bytes) {
  encode(out, bytes, kStandard, true);
}

std::string base64_encode(ByteView bytes) {
  std::string out;
  encode(out, bytes, kStandard, true);
  return out;
}

std::string base64url_encode(ByteView bytes) {
  std::string out;
  encode(out, bytes, kUrl, false);
  return out;
}

std::optional<std::string> base64_decode(ByteView text) {
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  // Padding only at the end; any other `=` is not in the alphabet, "===" leaves one digit alone.
  if (text.ends_with("==")) {
    text.remove_suffix(2);
  } else if (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  return decode(text, kStandardDigits);
}

std::optional<std::string> base64url_decode(ByteView text) {
  return decode(text, kUrlDigits);
}

}  // namespace wspush
