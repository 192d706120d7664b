#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/field.hpp"
#include "config/text_format.hpp"

// THE table of configuration keys: one row per key path. Binding, checking, `--set`, reload, the
// documentation tests: all of them walk it. A new key is a member in Config and a row here.
namespace wspush::config {

enum class KeyType {
  kSection,   ///< a mapping of further keys; its field, if any, is a bool: true where it is there
  kSections,  ///< a list of sections
  kBoolean,
  kInteger,   ///< `min` to `max`
  kSize,      ///< bytes, `min` to `max`
  kDuration,  ///< milliseconds, `min` to `max`
  kChoice,    ///< one of `choices`
  kRights,    ///< a list out of publish and read
  kText,      ///< by `format`
  kTexts,     ///< a list of texts, each by `format`
  kTextMap,   ///< any keys with texts as values
};

/// What a key needs that a version may not have yet.
enum class Feature {
  kNone,
  kDiskEngine,
  kRedisEngine,
  kBridges,
  kPusher,
};

/// "this version has no bridges yet", or empty where the feature is there. Whoever builds one
/// lets its case return nothing; the rows may keep their mark.
std::string_view missing_feature(Feature feature);

/// One word of a choice, the enumerator it stands for, and what it needs.
struct Choice {
  std::string_view name;
  int value;
  Feature feature = Feature::kNone;
};

struct KeyRow {
  std::string_view path;  ///< `topics[].history.ttl`
  KeyType type = KeyType::kSection;
  FieldOf field = nullptr;
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  std::span<const Choice> choices;
  const TextFormat* format = nullptr;
  std::string_view zero_word;  ///< an integer's word for "choose yourself", stored as 0: `auto`
  std::string_view item_key;   ///< a list of sections whose item may be a text: the key it sets
  Feature feature = Feature::kNone;
  bool is_reloadable = false;
  bool is_secret = false;    ///< neither its value nor what stands in its place is ever shown
  bool is_required = false;  ///< where its section stands, it must too; it has no default

  constexpr KeyRow reload() const {
    KeyRow row = *this;
    row.is_reloadable = true;
    return row;
  }
  constexpr KeyRow secret() const {
    KeyRow row = *this;
    row.is_secret = true;
    return row;
  }
  constexpr KeyRow required() const {
    KeyRow row = *this;
    row.is_required = true;
    return row;
  }
  constexpr KeyRow needs(Feature what) const {
    KeyRow row = *this;
    row.feature = what;
    return row;
  }
};

/// Every row, sections before what they hold, in the order of the manual.
std::span<const KeyRow> config_keys();

/// The row of a path with `[]` for list items; null when there is none. O(log rows).
const KeyRow* find_key(std::string_view path);

/// The path of the section that holds `path`: `topics[].history`; empty for a key at the top.
std::string_view parent_of(std::string_view path);

/// The last part of `path`: `ttl`.
std::string_view leaf_of(std::string_view path);

/// What a refusal says after "allowed: ", and the manual in its column: `1 to 255`.
std::string allowed_text(const KeyRow& row);

/// The value in `slot` as the manual writes it: `50s`, `1MiB`, `["same"]`, `""`.
std::string value_text(const KeyRow& row, Slot& slot);

/// The default, read from a default-constructed section; empty for required keys and sections;
/// `one item` for a list that is not empty by itself (`listen`, `topics`).
std::string default_text(const KeyRow& row);

/// A Config with one default-constructed item in every list of sections, for looking at defaults.
Config one_of_each();

}  // namespace wspush::config
