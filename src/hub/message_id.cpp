#include "wspush/hub/message_id.hpp"

#include <array>
#include <charconv>

namespace wspush::hub {
namespace {

constexpr std::size_t kEpochDigits = 8;

}  // namespace

void append_to(std::string& out, MessageId id) {
  std::array<char, kEpochDigits + 1 + 20> text;
  for (std::size_t i = 0; i < kEpochDigits; ++i) {
    text[i] = "0123456789abcdef"[(id.epoch >> (4 * (kEpochDigits - 1 - i))) & 0xf];
  }
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
