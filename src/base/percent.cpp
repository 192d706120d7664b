#include "base/percent.hpp"

namespace wspush {
namespace {

constexpr bool is_unreserved(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, PlusSign plus) {
  if (text.find('%') == std::string_view::npos && plus != PlusSign::kSpace) {
    return std::string(text);
  }
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t index = 0; index < text.size(); ++index) {
    const char byte = text[index];
    if (byte == '+' && plus == PlusSign::kSpace) {
      decoded.push_back(' ');
      continue;
    }
    if (byte != '%') {
      decoded.push_back(byte);
      continue;
    }
    if (text.size() - index < 3) {
      return std::nullopt;
    }
    const int high = hex_digit_value(text[index + 1]);
    const int low = hex_digit_value(text[index + 2]);
    if (high < 0 || low < 0) {
      return std::nullopt;
    }
    decoded.push_back(static_cast<char>(high * 16 + low));
    index += 2;
  }
  return decoded;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char byte : text) {
    if (is_unreserved(byte)) {
      encoded.push_back(byte);
      continue;
    }
    const auto value = static_cast<unsigned char>(byte);
    encoded.push_back('%');
    encoded.push_back(kDigits[value >> 4U]);
    encoded.push_back(kDigits[value & 0xfU]);
  }
  return encoded;
}

}  // namespace wspush
