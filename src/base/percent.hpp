#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wspush {

/// What '+' means in percent-encoded text: itself in a path, a space in a query
/// (application/x-www-form-urlencoded, as browsers write queries).
enum class PlusSign { kLiteral, kSpace };

/// Decodes `%HH` in `text`. Strict: a '%' that two hex digits do not follow refuses the whole text
/// (nullopt), so that two parties can never read it differently. Any byte may come out, NUL and
/// bytes that are not UTF-8 included; the caller judges those. Decoded once, never twice.
/// Cost: O(bytes), one allocation. Source: RFC 3986 §2.1.
std::optional<std::string> percent_decode(std::string_view text,
                                          PlusSign plus = PlusSign::kLiteral);

/// Encodes all bytes but the unreserved ones (letters, digits, '-', '.', '_', '~') as `%HH` with
/// upper-case digits: the result is safe as a path segment and as a query name or value.
/// Source: RFC 3986 §2.3.
std::string percent_encode(std::string_view text);

/// The value of one hex digit in either case, or -1.
constexpr int hex_digit_value(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  if (digit >= 'a' && digit <= 'f') {
    return digit - 'a' + 10;
  }
  if (digit >= 'A' && digit <= 'F') {
    return digit - 'A' + 10;
  }
  return -1;
}

}  // namespace wspush
