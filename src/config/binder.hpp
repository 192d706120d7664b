#pragma once

#include <map>
#include <string>
#include <string_view>

#include "wspush/config/config.hpp"

#include "config/config_keys.hpp"
#include "config/fault_list.hpp"
#include "config/yaml_tree.hpp"

// The tree of a file and its overrides into a Config, key by key along the table.
namespace wspush::config {

/// Which keys were given, and where: what the checks across keys need for their refusals.
class GivenKeys {
 public:
  struct Given {
    Position at;  ///< of the value
    const KeyRow* row;
    bool is_faulty = false;  ///< its value was refused and the default stands in its place
    std::string text;        ///< as it was written; empty for secrets, lists and mappings
  };

  void add(std::string path, Given given) {
    keys_.insert_or_assign(std::move(path), std::move(given));
  }

  bool has(std::string_view path) const { return keys_.contains(path); }

  /// True when the value of `path` is one that was meant: given and good, or left to its default.
  bool is_sound(std::string_view path) const {
    const auto found = keys_.find(path);
    return found == keys_.end() || !found->second.is_faulty;
  }

  /// Where `path` stands; where the section that holds it stands, if it is not given itself.
  Position position_of(std::string_view path) const;

  /// The value of `path` as it was written, or `otherwise`.
  std::string text_of(std::string_view path, std::string otherwise) const;

  auto begin() const { return keys_.begin(); }
  auto end() const { return keys_.end(); }

 private:
  std::map<std::string, Given, std::less<>> keys_;  ///< by full path, `topics[0].match`
};

/// Stores every value of `root` in `config` and returns what was given. Unknown keys, keys that
/// come twice, missing required keys and bad values go to `faults`. Cost: O(nodes).
GivenKeys bind(const Node& root, Config& config, FaultList& faults);

}  // namespace wspush::config
