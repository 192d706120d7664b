#pragma once

#include <string>
#include <string_view>

// What the operator may have meant.
namespace wspush::config {

/// The number of insertions, deletions, replacements and swaps of neighbours that turn one text
/// into the other. Cost: O(product of the lengths); both are cut at 64 bytes.
std::size_t edit_distance(std::string_view left, std::string_view right);

/// The known key nearest to the unknown `path` (`[]` for list items), keys of the same section
/// before others, for a letter goes astray more often than a line. `settable_only`: no keys inside
/// lists, which overrides cannot name. Cost: O(rows).
std::string nearest_key(std::string_view path, bool settable_only);

}  // namespace wspush::config
