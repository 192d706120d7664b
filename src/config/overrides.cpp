#include "config/overrides.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "config/config_keys.hpp"
#include "config/nearest_key.hpp"

namespace wspush::config {
namespace {

constexpr std::string_view kPrefix = "WSPUSHD_";

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> endings) {
  return std::ranges::any_of(endings, [&](std::string_view end) { return text.ends_with(end); });
}

/// `SERVICE_HOST`, `SERVICE_PORT`, `SERVICE_PORT_HTTP`, `PORT`, `PORT_8080_TCP`, `..._ADDR`.
bool is_from_kubernetes(std::string_view rest) {
  if (rest == "PORT" || rest.starts_with("SERVICE_PORT") ||
      ends_with_any(rest, {"SERVICE_HOST", "SERVICE_PORT"})) {
    return true;
  }
  const auto port = rest.find("PORT_");
  if (port == rest.npos) {
    return false;
  }
  std::string_view number = rest.substr(port + 5);
  number = number.substr(0, number.find('_'));
  return is_number(number) &&
         ends_with_any(rest, {"_TCP", "_UDP", "_SCTP", "_PORT", "_PROTO", "_ADDR"});
}

/// `HEARTBEAT__PING_INTERVAL` -> `heartbeat.ping_interval`.
std::string path_of_variable(std::string_view rest) {
  std::string path;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest.substr(i, 2) == "__") {
      path += '.';
      ++i;
    } else {
      const char c = rest[i];
      path += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return path;
}

/// What of an argument to --set may be shown: a slip like `auth.hmac_secret:abc` ends at the colon.
std::string_view key_part(std::string_view argument) {
  const auto end = std::ranges::find_if_not(argument, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-[]").find(c) != std::string_view::npos;
  });
  return argument.substr(0, static_cast<std::size_t>(end - argument.begin()));
}

Entry* find_entry(Node& mapping, std::string_view key) {
  const auto found = std::ranges::find(mapping.entries, key, &Entry::key);
  return found == mapping.entries.end() ? nullptr : &*found;
}

/// Lays `value` over `base`: sections key by key, everything else as a whole.
void merge(Node& base, Node value, std::string_view path) {
  const KeyRow* const row = find_key(path);
  const bool is_section = path.empty() || (row != nullptr && row->type == KeyType::kSection);
  if (!is_section || value.kind != NodeKind::kMapping || base.kind == NodeKind::kNull) {
    base = std::move(value);
    return;
  }
  if (base.kind != NodeKind::kMapping) {
    return;  // the file has something else in the place of a section; its fault must not get lost
  }
  for (Entry& entry : value.entries) {
    if (Entry* const there = find_entry(base, entry.key)) {
      there->key_at = entry.key_at;
      merge(there->value, std::move(entry.value),
            path.empty() ? entry.key : std::string(path) + '.' + entry.key);
    } else {
      base.entries.push_back(std::move(entry));
    }
  }
}

/// `a.b` and a value -> {a: {b: value}}.
Node wrap(std::string_view path, Position at, Node value) {
  while (!path.empty()) {
    Node mapping;
    mapping.kind = NodeKind::kMapping;
    mapping.at = at;
    mapping.entries.push_back({std::string(leaf_of(path)), at, std::move(value)});
    value = std::move(mapping);
    path = parent_of(path);
  }
  return value;
}

/// An empty value (`--set log.file=`) is an empty text where a text is wanted, not YAML's null.
std::optional<Node> parse_value(const KeyRow& row, std::string_view text, std::size_t source,
                                FaultList& faults) {
  if (text.empty() && row.type == KeyType::kText) {
    Node node;
    node.kind = NodeKind::kScalar;
    node.is_quoted = true;
    node.at = {source};
    return node;
  }
  return parse_yaml(text, source, false, faults);
}

void apply(Node& root, const KeyRow& row, std::string_view text, std::size_t source,
           FaultList& faults) {
  if (auto value = parse_value(row, text, source, faults)) {
    merge(root, wrap(row.path, {source}, std::move(*value)), {});
  }
}

}  // namespace

std::string set_source(std::string_view path) {
  return "--set " + std::string(path);
}

std::string environment_name(std::string_view path) {
  std::string name(kPrefix);
  for (const char c : path) {
    if (c == '.') {
      name += "__";
    } else {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

void apply_environment(Node& root,
                       const std::vector<std::pair<std::string, std::string>>& environment,
                       FaultList& faults) {
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix)) {
      continue;
    }
    const std::string_view rest = std::string_view(name).substr(kPrefix.size());
    const std::string path = path_of_variable(rest);
    const KeyRow* const row = find_key(path);
    if (row == nullptr && is_from_kubernetes(rest)) {
      continue;
    }
    const std::size_t source = faults.add_source(name);
    if (row == nullptr || path.find('[') != path.npos) {
      faults.add({source}, {},
                 "unknown key; nearest: " + environment_name(nearest_key(path, true)));
      continue;
    }
    apply(root, *row, value, source, faults);
  }
}

void apply_sets(Node& root, const std::vector<std::string>& sets, FaultList& faults) {
  for (const std::string& set : sets) {
    const auto equals = set.find('=');
    const std::string path = set.substr(0, equals);
    const std::size_t source = faults.add_source(set_source(key_part(path)));
    if (equals == set.npos) {
      faults.add({source}, {}, "found no value; allowed: KEY=VALUE");
      continue;
    }
    const auto bracket = path.find('[');
    const KeyRow* const row = find_key(path);
    if (bracket != path.npos && find_key(path.substr(0, bracket)) != nullptr) {
      faults.add({source}, {},
                 "found an item of a list; allowed: the whole list, " + path.substr(0, bracket) +
                     "=[...]");
    } else if (row == nullptr) {
      faults.add({source}, {}, "unknown key; nearest: " + nearest_key(path, true));
    } else {
      apply(root, *row, set.substr(equals + 1), source, faults);
    }
  }
}

}  // namespace wspush::config
