#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "wspush/base/result.hpp"

// The spelling of durations (`250ms 50s 5m 2h`, plain `0`) and sizes (`512 16KiB 1MiB 1GiB`).
namespace wspush::config {

/// Why a text is no duration, size or number. `hint` completes "allowed: ...", or is empty.
struct UnitError {
  std::string_view hint;
};

/// Whole milliseconds. Errors: no unit, an unknown one, a fraction, a sign, more than 64 bits hold.
Result<std::chrono::milliseconds, UnitError> parse_duration(std::string_view text);

/// Bytes. Errors: as above; `1MB` and `1M` are refused with a hint, for they mean two things.
Result<std::uint64_t, UnitError> parse_size(std::string_view text);

/// A whole decimal number without sign, blanks, or leading zeros (which some read as octal).
Result<std::uint64_t, UnitError> parse_count(std::string_view text);

/// The spelling with the largest unit: 120'000 -> `2m`, 250 -> `250ms`, 0 -> `0ms`; a minute is
/// `60s`, as in every text about proxies.
std::string format_duration(std::chrono::milliseconds duration);

/// The spelling with the largest unit: 1'048'576 -> `1MiB`, 1'000 -> `1000`.
std::string format_size(std::uint64_t bytes);

}  // namespace wspush::config
