#include "config/yaml_loader.hpp"

#include <algorithm>
#include <utility>

#include "config/binder.hpp"
#include "config/fault_list.hpp"
#include "config/file_reader.hpp"
#include "config/overrides.hpp"
#include "config/secret_files.hpp"
#include "config/text_format.hpp"
#include "config/validation.hpp"
#include "config/yaml_tree.hpp"

namespace wspush::config {
namespace {

Node empty_mapping(std::size_t source) {
  Node node;
  node.kind = NodeKind::kMapping;
  node.at = {source};
  return node;
}

/// The tree of the request's file or text; an empty mapping where there is neither. Nothing after a
/// fault.
std::optional<Node> read_tree(const LoadRequest& request, FaultList& faults) {
  const bool has_file = request.path || request.text;
  const std::size_t source =
      faults.add_source(request.path.value_or(request.text ? "config" : "built-in default"));
  if (!has_file) {
    return empty_mapping(source);
  }
  std::optional<Node> tree;
  if (request.text) {
    tree = parse_yaml(*request.text, source, true, faults);
  } else if (const auto content = read_file(*request.path, kConfigFileBytesMax)) {
    tree = parse_yaml(*content, source, true, faults);
  } else {
    faults.add({source}, {}, "cannot be read: " + content.error());
  }
  if (!tree) {
    return std::nullopt;
  }
  if (tree->kind == NodeKind::kNull) {
    return empty_mapping(source);
  }
  if (tree->kind != NodeKind::kMapping) {
    faults.add(tree->at, {},
               std::string("found ") + (tree->kind == NodeKind::kSequence ? "a list" : "a text") +
                   "; allowed: a mapping of keys");
    return std::nullopt;
  }
  return tree;
}

bool listens_beyond_loopback(const Config& config) {
  return !std::ranges::all_of(config.listen, [](const Listener& listener) {
    return is_loopback_address(listener.address);
  });
}

/// A file that whoever runs the server opens, and may refuse.
bool is_key_file(std::string_view path, const KeyRow& row) {
  return (row.format == &kSomeFileName && path.find("tls.") != path.npos) ||
         path == "auth.public_key_file" || path == "auth.jwks_file";
}

}  // namespace

Fault LoadResult::fault_of(std::string_view key, std::string message) const {
  const auto place = std::ranges::find(key_files, key, &Fault::key);
  Fault fault =
      place == key_files.end() ? Fault{.source = "certificates", .key = std::string(key)} : *place;
  fault.message = std::move(message);
  return fault;
}

Config builtin_config() {
  Config config;
  config.demo = true;
  config.topics.front().publish = Permission::kAnyone;
  return config;
}

LoadResult load_config(const LoadRequest& request) {
  LoadResult result;
  FaultList faults;
  std::optional<Node> tree = read_tree(request, faults);
  // A broken file does not keep the overrides from being judged: all faults come at once.
  const bool has_tree = tree.has_value();
  Node root = has_tree ? std::move(*tree) : empty_mapping(0);
  apply_environment(root, request.environment, faults);
  apply_sets(root, request.set, faults);

  const bool is_builtin = !request.path && !request.text;
  const auto config = std::make_shared<Config>();
  if (is_builtin) {
    *config = builtin_config();
  }
  const GivenKeys given = bind(root, *config, faults);
  if (is_builtin && !given.has("topics") && listens_beyond_loopback(*config)) {
    config->topics = Config{}.topics;
  }
  if (has_tree) {
    validate(*config, given, faults);
    read_secret_files(*config, given, faults);
  }
  if (!faults.empty()) {
    result.faults = faults.take();
    return result;
  }
  for (const auto& [path, key] : given) {
    if (is_key_file(path, *key.row)) {
      result.key_files.push_back(faults.place_of(key.at, path));
    }
  }
  result.notices = find_notices(*config, given);
  result.config = config;
  return result;
}

}  // namespace wspush::config
