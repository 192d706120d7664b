#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/fault_list.hpp"

// YAML as a plain tree with the place of every key and value. The only file that knows yaml-cpp.
namespace wspush::config {

/// Deeper nesting, or more nodes after aliases are expanded, is no configuration.
inline constexpr std::size_t kYamlDepthMax = 32;
inline constexpr std::size_t kYamlNodesMax = 200'000;

enum class NodeKind { kNull, kScalar, kSequence, kMapping };

struct Entry;

struct Node {
  NodeKind kind = NodeKind::kNull;
  bool is_quoted = false;  ///< a scalar in quotes or a block scalar: a text whatever it looks like
  std::string text;        ///< of a scalar
  /// Where the value stands; where an alias stands and not its anchor; for an empty value, the key.
  Position at;
  std::vector<Node> items;     ///< of a sequence
  std::vector<Entry> entries;  ///< of a mapping, in order; a key that comes twice is there twice
};

struct Entry {
  std::string key;
  Position key_at;
  Node value;
};

/// Reads one document. An empty one is an empty mapping. On a fault, which goes to `faults`,
/// nothing is returned. `source` is the number that FaultList gave for it; `has_lines` is false for
/// an override, whose positions are then 0:0 and whose text is never quoted.
///
/// Refused beyond what YAML says: bytes that are not UTF-8 text, tabs in the indentation, a quote
/// that the end of the file closes, tags, keys that are no plain texts, a second document.
/// Never throws. Cost: O(bytes), and O(kYamlNodesMax) for aliases.
std::optional<Node> parse_yaml(std::string_view text, std::size_t source, bool has_lines,
                               FaultList& faults);

}  // namespace wspush::config
