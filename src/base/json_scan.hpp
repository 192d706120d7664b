#pragma once

#include <cstddef>

#include "wspush/base/bytes.hpp"

#include "base/json.hpp"

// The two walks over JSON text behind json.hpp: one that trusts nothing, one that trusts a text
// which the first has passed.
namespace wspush::json_detail {

/// The error of scan_strict() for a text with more than kJsonDepthMax levels: this very array.
inline constexpr char kTooDeep[] = "nested too deep";

/// Checks that `text` is one JSON value, everything but its UTF-8. With `members` the value must be
/// an object whose members go there. Returns null, or the error's text and where it is in
/// `error_at`. No recursion; linear.
const char* scan_strict(ByteView text, JsonObject* members, const char*& error_at) noexcept;

/// Whether a byte above 0x7f is in it: then its UTF-8 is still to be checked.
bool has_non_ascii(ByteView text) noexcept;

/// Behind the white space at `at`.
const char* skip_space(const char* at, const char* end) noexcept;

/// The value that begins at `at`, in a checked text that ends at `end`.
JsonValue trusted_value(const char* at, const char* end) noexcept;

/// The first byte in [at, end) that a JSON string cannot hold as it is (quote, backslash, control
/// character), else `end`; sets `has_non_ascii` when a byte above 0x7f stands before it.
const char* find_special(const char* at, const char* end, bool& has_non_ascii) noexcept;

}  // namespace wspush::json_detail
