#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

// The character classes of RFC 9110 §5.5, §5.6 and what is built right on them. Thread: any; no
// allocation; each function costs at most the length of its input.
namespace wspush::http {

inline constexpr std::array<bool, 256> kIsTokenChar = [] {
  std::array<bool, 256> table{};
  constexpr std::string_view kTokenChars =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (const char byte : kTokenChars) {
    table[static_cast<unsigned char>(byte)] = true;
  }
  return table;
}();

/// tchar: what methods, header names and list tokens are made of. RFC 9110 §5.6.2.
constexpr bool is_token_char(char byte) {
  return kIsTokenChar[static_cast<unsigned char>(byte)];
}

/// VCHAR or obs-text: a visible byte of a header value. Space and tab are not among them.
/// RFC 9110 §5.5.
constexpr bool is_field_visible(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value > 0x20 && value != 0x7f;
}

inline constexpr std::array<bool, 256> kIsValueChar = [] {
  std::array<bool, 256> table{};
  for (std::size_t value = 0; value < table.size(); ++value) {
    table[value] = value == '\t' || (value >= 0x20 && value != 0x7f);
  }
  return table;
}();

/// A byte that a header value may hold: a visible one or a blank. RFC 9110 §5.5.
constexpr bool is_value_char(char byte) {
  return kIsValueChar[static_cast<unsigned char>(byte)];
}

inline constexpr std::array<bool, 256> kIsTargetChar = [] {
  std::array<bool, 256> table{};
  for (std::size_t value = 0x21; value < 0x7f; ++value) {
    table[value] = value != '#';
  }
  return table;
}();

/// A byte that a request target may hold: visible ASCII but '#', since a fragment is never sent.
/// Wider than RFC 3986, because browsers and people send '|', '>' or '"' as they are.
constexpr bool is_target_char(char byte) {
  return kIsTargetChar[static_cast<unsigned char>(byte)];
}

/// OWS. RFC 9110 §5.6.3.
constexpr bool is_blank(char byte) {
  return byte == ' ' || byte == '\t';
}

constexpr bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

constexpr char to_lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

/// ASCII only, as header names and tokens compare; independent of the locale.
bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept;

/// At least one tchar and nothing else.
bool is_token(std::string_view text) noexcept;

/// Without blanks at both ends.
std::string_view trim_blanks(std::string_view text) noexcept;

/// Takes the text before the next `separator` outside of double quotes off `rest`, with the
/// separator, and returns it without blanks around it. A quote that is never closed reaches to the
/// end. Called until `rest` is empty it costs O(bytes) in all. Source: RFC 9110 §5.6.1, §5.6.4.
std::string_view take_until(std::string_view& rest, char separator) noexcept;

/// Calls `visit(element)` for each element of a comma-separated list that is not empty.
template <typename Visit>
void for_each_list_element(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::string_view element = take_until(list, ',');
    if (!element.empty()) {
      visit(element);
    }
  }
}

}  // namespace wspush::http
