#include "wspush/hub/message_id.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cstring>

namespace wspush::hub {
namespace {

constexpr std::size_t kEpochDigits = 8;

/// The digits of `value` as eight characters, the first in the lowest byte: all at once, as each
/// answer to a publish has some.
std::uint64_t hex_digits(std::uint32_t value) {
  static_assert(std::endian::native == std::endian::little, "words are written as they lie");
  std::uint64_t nibbles = __builtin_bswap32(value);
  nibbles = (nibbles | nibbles << 16) & 0x0000ffff0000ffffULL;
  nibbles = (nibbles | nibbles << 8) & 0x00ff00ff00ff00ffULL;
  nibbles = (nibbles >> 4 & 0x000f000f000f000fULL) | (nibbles & 0x000f000f000f000fULL) << 8;
  const std::uint64_t is_letter = (nibbles + 0x0606060606060606ULL) >> 4 & 0x0101010101010101ULL;
  return nibbles + 0x3030303030303030ULL + is_letter * ('a' - '9' - 1);
}

}  // namespace

void append_to(std::string& out, MessageId id) {
  std::array<char, kEpochDigits + 1 + 20> text;
  const std::uint64_t digits = hex_digits(id.epoch);
  std::memcpy(text.data(), &digits, kEpochDigits);
  text[kEpochDigits] = '-';
  const auto end =
      std::to_chars(text.data() + kEpochDigits + 1, text.data() + text.size(), id.offset).ptr;
  out.append(text.data(), static_cast<std::size_t>(end - text.data()));
}

std::string to_string(MessageId id) {
  std::string text;
  append_to(text, id);
  return text;
}

std::optional<MessageId> parse_message_id(std::string_view text) {
  if (text.size() < kEpochDigits + 2 || text[kEpochDigits] != '-') {
    return std::nullopt;
  }
  MessageId id;
  for (std::size_t i = 0; i < kEpochDigits; ++i) {
    const char c = text[i];
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && !(c >= 'a' && c <= 'f')) {
      return std::nullopt;
    }
    const auto value = static_cast<std::uint32_t>(is_digit ? c - '0' : c - 'a' + 10);
    id.epoch = (id.epoch << 4) | value;
  }
  const char* const begin = text.data() + kEpochDigits + 1;
  const char* const end = text.data() + text.size();
  if (*begin < '0' || *begin > '9' || (*begin == '0' && end - begin > 1)) {
    return std::nullopt;
  }
  const auto [rest, error] = std::from_chars(begin, end, id.offset);
  if (error != std::errc() || rest != end) {
    return std::nullopt;
  }
  return id;
}

}  // namespace wspush::hub
