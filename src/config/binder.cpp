#include "config/binder.hpp"

#include <algorithm>
#include <set>
#include <type_traits>
#include <utility>

#include "config/key_value.hpp"
#include "config/nearest_key.hpp"

namespace wspush::config {
namespace {

constexpr std::size_t kSectionsMax = 10'000;  // items of one list; each costs up to 500 bytes

std::string join(std::string_view section, std::string_view key) {
  return section.empty() ? std::string(key) : std::string(section) + '.' + std::string(key);
}

/// Makes the list behind a Field `count` default items long.
struct Resize {
  std::size_t count;

  template <typename T>
  void operator()(std::vector<T>* list) const {
    if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string> &&
                  !std::is_same_v<T, TextPairs::value_type>) {
      list->assign(count, T{});
    }
  }
  template <typename T>
  void operator()(T) const {}
};

class Binder {
 public:
  Binder(Config& config, FaultList& faults, GivenKeys& given)
      : slot_{config}, faults_(faults), given_(given) {}

  /// `pattern` is the path in the table (`topics[].history`), `path` the one in the file
  /// (`topics[0].history`). Recursion: as deep as the table.
  void bind_section(const Node& node, std::string_view pattern, const std::string& path,
                    std::size_t depth) {
    std::map<std::string_view, Position> seen;
    for (const Entry& entry : node.entries) {
      const std::string key_path = join(path, entry.key);
      const KeyRow* const row = find_key(join(pattern, entry.key));
      const auto [first, is_new] = seen.emplace(entry.key, entry.key_at);
      if (row == nullptr) {
        refuse_unknown(entry, pattern, path);
      } else if (!is_new) {
        faults_.add(
            entry.key_at, key_path,
            "found a second time, after " + faults_.place_text(first->second) + "; allowed: once");
      } else {
        bind_key(*row, entry, key_path, depth);
      }
    }
    for (const KeyRow& row : config_keys()) {
      const bool is_here = row.is_required && parent_of(row.path) == pattern;
      if (is_here && !seen.contains(leaf_of(row.path))) {
        faults_.add(node.at, join(path, leaf_of(row.path)),
                    "missing; allowed: " + allowed_text(row));
      }
    }
  }

 private:
  void refuse_unknown(const Entry& entry, std::string_view pattern, const std::string& path) {
    if (faults_.is_full()) {  // the nearest key is dear to find, and a wrong file has many keys
      faults_.add(entry.key_at, {}, {});
      return;
    }
    const KeyRow* const list = find_key(pattern.substr(0, pattern.find_last_of('[')));
    if (list != nullptr && list->is_secret && pattern.ends_with("[]")) {
      // `- some: secret` without quotes is a mapping; its key may be half of a secret.
      faults_.add(
          entry.key_at, path,
          "found an unknown key (not shown); allowed: key, topics, can, or a text in quotes");
      return;
    }
    const std::string wanted = join(pattern, entry.key);
    std::string nearest = nearest_key(wanted, false);
    if (!pattern.empty() && nearest.starts_with(std::string(pattern) + '.')) {
      nearest = path + nearest.substr(pattern.size());  // with the indices of this very item
    }
    faults_.add(entry.key_at, join(path, shown_key(entry.key)), "unknown key; nearest: " + nearest);
  }

  /// A key as it may stand in a path; anything out of the ordinary is quoted and clipped.
  static std::string shown_key(const std::string& key) {
    const bool is_plain = key.size() <= 80 && std::ranges::all_of(key, [](char c) {
                            return c > 0x20 && c < 0x7f && c != '"' && c != ':';
                          });
    return is_plain && !key.empty() ? key : shown(key);
  }

  void bind_key(const KeyRow& row, const Entry& entry, const std::string& path, std::size_t depth) {
    const Node& value = entry.value;
    switch (row.type) {
      case KeyType::kSection:
        given_.add(path, {value.at, &row});
        bind_subsection(row, value, path, depth);
        return;
      case KeyType::kSections:
        given_.add(path, {value.at, &row, !bind_list(row, value, path, depth)});
        return;
      case KeyType::kBoolean:
      case KeyType::kInteger:
      case KeyType::kSize:
      case KeyType::kDuration:
      case KeyType::kChoice:
      case KeyType::kRights:
      case KeyType::kText:
      case KeyType::kTexts:
      case KeyType::kTextMap:
        break;
    }
    const std::vector<Refusal> refusals = store_value(row, value, row.field(slot_));
    for (const Refusal& refusal : refusals) {
      const std::string item = refusal.item ? '[' + std::to_string(*refusal.item) + ']' : "";
      faults_.add(refusal.at, path + item, refusal.message);
    }
    given_.add(path, {value.at, &row, !refusals.empty(), row.is_secret ? "" : value.text});
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      given_.add(path + '[' + std::to_string(i) + ']', {value.items[i].at, &row});
    }
  }

  void bind_subsection(const KeyRow& row, const Node& value, const std::string& path,
                       std::size_t depth) {
    if (value.kind != NodeKind::kMapping && value.kind != NodeKind::kNull) {
      faults_.add(value.at, path, refusal_text(row, value));
      return;
    }
    if (row.field != nullptr) {
      *std::get<bool*>(row.field(slot_)) = true;
    }
    // A section whose keys are all commented out is YAML's null: a section without keys.
    bind_section(value, row.path, path, depth);
  }

  bool bind_list(const KeyRow& row, const Node& value, const std::string& path, std::size_t depth) {
    if (value.kind != NodeKind::kSequence || value.items.size() > kSectionsMax) {
      faults_.add(value.at, path, refusal_text(row, value));
      return false;
    }
    std::visit(Resize{value.items.size()}, row.field(slot_));
    const std::string pattern = std::string(row.path) + "[]";
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      slot_.index[depth] = i;
      const Node& item = value.items[i];
      const std::string item_path = path + '[' + std::to_string(i) + ']';
      if (item.kind == NodeKind::kMapping) {
        given_.add(item_path, {item.at, &row});
        bind_section(item, pattern, item_path, depth + 1);
      } else if (item.kind == NodeKind::kScalar && !row.item_key.empty()) {
        given_.add(item_path, {item.at, &row});
        const std::string key(row.item_key);
        bind_key(*find_key(pattern + '.' + key), {key, item.at, item}, item_path + '.' + key,
                 depth + 1);
      } else {
        faults_.add(item.at, item_path,
                    "found " +
                        std::string(item.kind == NodeKind::kScalar     ? "a text"
                                    : item.kind == NodeKind::kSequence ? "a list"
                                                                       : "nothing") +
                        "; allowed: a mapping" + (row.item_key.empty() ? "" : " or a text"));
      }
    }
    return true;
  }

  Slot slot_;
  FaultList& faults_;
  GivenKeys& given_;
};

}  // namespace

Position GivenKeys::position_of(std::string_view path) const {
  while (!path.empty()) {
    if (const auto found = keys_.find(path); found != keys_.end()) {
      return found->second.at;
    }
    const auto cut = path.find_last_of(".[");
    path = cut == path.npos ? std::string_view() : path.substr(0, cut);
  }
  return {};
}

std::string GivenKeys::text_of(std::string_view path, std::string otherwise) const {
  const auto found = keys_.find(path);
  return found == keys_.end() || found->second.text.empty() ? otherwise : found->second.text;
}

GivenKeys bind(const Node& root, Config& config, FaultList& faults) {
  GivenKeys given;
  Binder(config, faults, given).bind_section(root, {}, {}, 0);
  return given;
}

}  // namespace wspush::config
