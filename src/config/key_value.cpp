#include "config/key_value.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

#include "config/fault_list.hpp"
#include "config/units.hpp"

namespace wspush::config {
namespace {

std::string found_text(const KeyRow& row, const Node& node) {
  switch (node.kind) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kSequence:
      return "a list";
    case NodeKind::kMapping:
      return "a mapping";
    case NodeKind::kScalar:
      break;
  }
  if (row.is_secret) {
    return "a text (not shown)";
  }
  if (row.type == KeyType::kSection || row.type == KeyType::kSections) {
    return "a text";  // in the place of a section that holds secrets it may be one
  }
  // In quotes true and 1 are texts; to the eye they look right, so it is said what they are.
  const bool wants_plain = row.type == KeyType::kBoolean || row.type == KeyType::kInteger;
  return (node.is_quoted && wants_plain ? "the text " : "") + shown(node.text);
}

std::string refuse(const KeyRow& row, const Node& node, std::string_view hint) {
  std::string allowed = allowed_text(row);
  if (row.type == KeyType::kDuration) {
    allowed = "a duration (250ms, 50s, 5m, 2h) from " + allowed;
  } else if (row.type == KeyType::kSize) {
    allowed = "a size (512, 16KiB, 1MiB) from " + allowed;
  } else if (row.type == KeyType::kTexts && node.kind == NodeKind::kScalar) {
    allowed = "a list, [...]";
  }
  return "found " + found_text(row, node) + "; allowed: " + allowed +
         (hint.empty() ? "" : ", " + std::string(hint));
}

std::optional<bool> parse_boolean(std::string_view text) {
  constexpr std::array kTrue{"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"};
  constexpr std::array kFalse{"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"};
  if (std::ranges::find(kTrue, text) != kTrue.end()) {
    return true;
  }
  if (std::ranges::find(kFalse, text) != kFalse.end()) {
    return false;
  }
  return std::nullopt;
}

bool is_scalar(const Node& node) {
  return node.kind == NodeKind::kScalar;
}

/// Of one value: more than a FaultList keeps say nothing more.
constexpr std::size_t kRefusalsMax = FaultList::kFaultsMax;

/// Stores a value through the Field's own type; one overload for each kind of member.
struct Store {
  const KeyRow& row;
  const Node& node;

  using Outcome = std::vector<Refusal>;

  Outcome no(std::string_view hint = {}) const {
    return {Refusal{node.at, std::nullopt, refuse(row, node, hint)}};
  }
  Refusal no_item(std::size_t index, const Node& item, std::string_view allowed) const {
    return Refusal{item.at, index,
                   "found " + found_text(row, item) + "; allowed: " + std::string(allowed)};
  }

  Outcome operator()(bool* member) const {
    const auto value = is_scalar(node) && !node.is_quoted ? parse_boolean(node.text) : std::nullopt;
    if (!value) {
      return no();
    }
    *member = *value;
    return {};
  }

  Outcome operator()(milliseconds* member) const {
    const auto value = is_scalar(node) ? parse_duration(node.text) : Unexpected(UnitError{});
    if (!value) {
      return no(value.error().hint);
    }
    const auto count = static_cast<std::uint64_t>(value->count());
    if (count < row.min || count > row.max) {
      return no();
    }
    *member = *value;
    return {};
  }

  Outcome operator()(std::string* member) const {
    if (!is_scalar(node) || !row.format->fits(node.text)) {
      return no();
    }
    *member = node.text;
    return {};
  }

  Outcome operator()(Texts* member) const {
    if (node.kind != NodeKind::kSequence) {
      return no();
    }
    Texts items;
    Outcome refused;
    for (std::size_t i = 0; i < node.items.size() && refused.size() < kRefusalsMax; ++i) {
      const Node& item = node.items[i];
      if (!is_scalar(item) || !row.format->fits(item.text)) {
        refused.push_back(no_item(i, item, row.format->allowed));
      } else if (std::ranges::find(items, item.text) != items.end()) {
        refused.push_back(no_item(i, item, "each item once"));
      } else {
        items.push_back(item.text);
      }
    }
    if (refused.empty()) {
      *member = std::move(items);
    }
    return refused;
  }

  Outcome operator()(TextPairs* member) const {
    if (node.kind != NodeKind::kMapping) {
      return no();
    }
    TextPairs pairs;
    Outcome refused;
    for (const Entry& entry : node.entries) {
      if (refused.size() == kRefusalsMax) {
        break;
      }
      const bool is_double =
          std::ranges::find(pairs, entry.key, &TextPairs::value_type::first) != pairs.end();
      if (is_double || !is_scalar(entry.value)) {
        refused.push_back({entry.key_at, std::nullopt,
                           "found " + shown(entry.key) +
                               (is_double ? " a second time; allowed: once"
                                          : " without a text; allowed: a text for each name")});
      } else {
        pairs.emplace_back(entry.key, entry.value.text);
      }
    }
    if (refused.empty()) {
      *member = std::move(pairs);
    }
    return refused;
  }

  Outcome operator()(ApiKey* member) const {
    if (node.kind != NodeKind::kSequence || node.items.empty()) {
      return no();
    }
    bool can_publish = false;
    bool can_read = false;
    Outcome refused;
    for (std::size_t i = 0; i < node.items.size() && refused.size() < kRefusalsMax; ++i) {
      const Node& item = node.items[i];
      bool& right = item.text == "publish" ? can_publish : can_read;
      if (!is_scalar(item) || right || (item.text != "publish" && item.text != "read")) {
        refused.push_back(no_item(i, item, "publish or read, each once"));
      } else {
        right = true;
      }
    }
    if (refused.empty()) {
      member->can_publish = can_publish;
      member->can_read = can_read;
    }
    return refused;
  }

  Outcome operator()(std::monostate) const { return {}; }
  template <typename T>
  Outcome operator()(std::vector<T>*) const {
    return {};  // lists of sections are walked by the binder
  }

  template <typename T>
  Outcome operator()(T* member) const {
    if constexpr (std::is_enum_v<T>) {
      return store_choice(member);
    } else {
      return store_number(member);
    }
  }

 private:
  template <typename T>
  Outcome store_choice(T* member) const {
    std::string_view word = is_scalar(node) ? std::string_view(node.text) : "";
    // `presence: yes` is YAML for true, as everywhere else in the file.
    if (const auto boolean = parse_boolean(word); boolean && !node.is_quoted) {
      word = *boolean ? "true" : "false";
    }
    const auto found = std::ranges::find(row.choices, word, &Choice::name);
    if (found == row.choices.end()) {
      return no();
    }
    *member = static_cast<T>(found->value);
    return {};
  }

  template <typename T>
  Outcome store_number(T* member) const {
    if (is_scalar(node) && !row.zero_word.empty() && node.text == row.zero_word) {
      *member = 0;
      return {};
    }
    const bool is_size = row.type == KeyType::kSize;
    if (!is_scalar(node) || (node.is_quoted && !is_size)) {
      return no();
    }
    const auto value = is_size ? parse_size(node.text) : parse_count(node.text);
    if (!value) {
      return no(value.error().hint);
    }
    if (*value < row.min || *value > row.max) {
      return no();
    }
    *member = static_cast<T>(*value);
    return {};
  }
};

}  // namespace

std::vector<Refusal> store_value(const KeyRow& row, const Node& node, Field field) {
  return std::visit(Store{row, node}, field);
}

std::string refusal_text(const KeyRow& row, const Node& node) {
  return refuse(row, node, {});
}

}  // namespace wspush::config
