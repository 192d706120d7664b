#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config_keys.hpp"
#include "config/yaml_tree.hpp"

// One YAML value into one member of Config.
namespace wspush::config {

/// Why a value was refused: what was found, and for an item of a list which one (its path is then
/// `key[item]` and the place is that item's).
struct Refusal {
  Position at;
  std::optional<std::size_t> item;
  std::string message;
};

/// Checks `node` by `row` and stores it behind `field`. Returns why not, for each item of a list
/// that is refused; `field` is left as it was then. For every key type that has a value of its own
/// (not kSection, not kSections).
std::vector<Refusal> store_value(const KeyRow& row, const Node& node, Field field);

/// "found X; allowed: Y" for a value of the wrong kind. A secret's text is not shown.
std::string refusal_text(const KeyRow& row, const Node& node);

}  // namespace wspush::config
