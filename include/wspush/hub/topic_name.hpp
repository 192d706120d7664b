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

/// Whether everything that the well-formed pattern or topic `narrow` matches is matched by `wide`
/// too. `{user}` is a segment like any other here. Exact: `a.>` covers `a.*` and `a.b`, `a.*` does
/// not cover `a.>`. Cost: O(bytes).
bool pattern_covers(ByteView wide, ByteView narrow);

/// Whether there is a topic that both well-formed patterns match. Exact; `{user}` as above.
/// Cost: O(bytes).
bool patterns_overlap(ByteView a, ByteView b);

}  // namespace wspush::hub
