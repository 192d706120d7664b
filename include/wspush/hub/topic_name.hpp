#pragma once

#include <cstdint>

#include "wspush/base/bytes.hpp"

// A topic is 1 to `limits.topic_bytes` bytes of printable UTF-8 without spaces, control characters,
// `*`, `>`, `/`, `?` or `#`; its segments are separated by `.` and none is empty. A pattern is a
// topic with wildcards in whole segments: `*` is one segment, `>` (last only) one or more.
namespace wspush::hub {

inline constexpr std::size_t kTopicBytesMax = 255;

/// Cost: O(bytes). Thread: any.
bool is_topic(ByteView name, std::size_t bytes_max = kTopicBytesMax);
bool is_pattern(ByteView name, std::size_t bytes_max = kTopicBytesMax);

/// True where `name` has a segment `*` or `>`; it may still be malformed.
bool has_wildcard(ByteView name);

/// Whether a well-formed `pattern` fits a well-formed `topic`. The segment `{user}` of a rule
/// stands for any one segment here. Cost: O(bytes), no backtracking.
bool pattern_matches(ByteView pattern, ByteView topic);

}  // namespace wspush::hub
