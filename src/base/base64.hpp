#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "wspush/base/bytes.hpp"

// RFC 4648. Decoding is strict: nothing outside of the alphabet (no line ends, §3.3), padding as
// each alphabet has it, and the unused bits of the last character zero (§3.5), so that one value
// has one spelling.
namespace wspush {

/// Characters that `bytes` bytes take, padding included.
constexpr std::size_t base64_chars(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}

/// `bytes` in the alphabet of §4 (`+` and `/`), padded. Cost: O(bytes), one allocation.
std::string base64_encode(ByteView bytes);

/// Appends what base64_encode() returns to `out`.
void append_base64(std::string& out, ByteView bytes);

/// The bytes of a padded text in the alphabet of §4, or nothing where it is not one.
/// Cost: O(text), one allocation.
std::optional<std::string> base64_decode(ByteView text);

/// The bytes of a text in the alphabet of §5 (`-` and `_`), **without** padding: the form that JOSE
/// uses (RFC 7515 §2).
std::optional<std::string> base64url_decode(ByteView text);

/// `bytes` in the alphabet of §5, without padding.
std::string base64url_encode(ByteView bytes);

}  // namespace wspush
