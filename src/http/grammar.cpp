#include "http/grammar.hpp"

#include <algorithm>

namespace wspush::http {
bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept {
  // Names mostly come as they are asked for.
  return left == right || std::equal(left.begin(), left.end(), right.begin(), right.end(),
                                     [](char a, char b) { return to_lower(a) == to_lower(b); });
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

std::string_view trim_blanks(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::string_view take_until(std::string_view& rest, char separator) noexcept {
  bool is_quoted = false;
  std::size_t index = 0;
  for (; index < rest.size(); ++index) {
    const char byte = rest[index];
    if (byte == '"') {
      is_quoted = !is_quoted;
    } else if (byte == '\\' && is_quoted && index + 1 < rest.size()) {
      ++index;  // a quoted pair: what follows means itself
    } else if (byte == separator && !is_quoted) {
      break;
    }
  }
  const std::string_view taken = rest.substr(0, index);
  rest.remove_prefix(std::min(index + 1, rest.size()));
  return trim_blanks(taken);
}

}  // namespace wspush::http
