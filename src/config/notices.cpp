#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config/units.hpp"
#include "config/validation.hpp"

namespace wspush::config {
namespace {

constexpr std::size_t kNamedKeysMax = 5;  // of one notice; the others are counted

/// What HS256 needs to be as strong as it looks. RFC 7518 §3.2.
constexpr std::size_t kHmacSecretBytesMin = 32;

/// The feature that the value of a key asks for. Switched off, empty and the like ask for nothing.
struct WantedFeature {
  const KeyRow& row;

  Feature operator()(std::monostate) const { return Feature::kNone; }
  Feature operator()(const bool* value) const { return *value ? row.feature : Feature::kNone; }
  Feature operator()(const ApiKey*) const { return row.feature; }
  Feature operator()(const std::string* value) const {
    return value->empty() ? Feature::kNone : row.feature;
  }
  template <typename T>
  Feature operator()(const std::vector<T>* value) const {
    return value->empty() ? Feature::kNone : row.feature;
  }
  template <typename T>
  Feature operator()(const T* value) const {
    if constexpr (std::is_enum_v<T>) {
      const auto chosen = std::ranges::find(row.choices, static_cast<int>(*value), &Choice::value);
      return chosen == row.choices.end() ? Feature::kNone : chosen->feature;
    } else {
      return row.feature;
    }
  }
};

/// The slot of a path with indices: `listen[0].tls.also[2]` -> {0, 2}.
Slot slot_of(Config& config, std::string_view path) {
  Slot slot{config};
  std::size_t depth = 0;
  for (auto open = path.find('['); open != path.npos; open = path.find('[', open + 1)) {
    const auto close = path.find(']', open);
    const auto index = parse_count(path.substr(open + 1, close - open - 1));
    slot.index[depth++] = index ? static_cast<std::size_t>(*index) : 0;
  }
  return slot;
}

bool is_item(std::string_view path) {
  return path.ends_with(']');
}

void add_missing_features(const Config& config, const GivenKeys& given,
                          std::vector<std::string>& notices) {
  Config copy = config;  // the table reaches members for writing
  std::map<Feature, std::vector<std::string>> keys_by_feature;
  for (const auto& [path, key] : given) {
    if (is_item(path) || key.row->field == nullptr) {
      continue;
    }
    Slot slot = slot_of(copy, path);
    const Feature feature = std::visit(WantedFeature{*key.row}, key.row->field(slot));
    if (!missing_feature(feature).empty()) {
      keys_by_feature[feature].push_back(path);
    }
  }
  for (const auto& [feature, keys] : keys_by_feature) {
    std::string names;
    const std::size_t named = std::min(keys.size(), kNamedKeysMax);
    for (std::size_t i = 0; i < named; ++i) {
      const bool is_last = i + 1 == named && keys.size() == named;
      names += (i == 0 ? "" : is_last ? " and " : ", ") + keys[i];
    }
    if (keys.size() > named) {
      names += " and " + std::to_string(keys.size() - named) + " more";
    }
    notices.push_back(names + (keys.size() == 1 ? " is set, but " : " are set, but ") +
                      std::string(missing_feature(feature)));
  }
}

bool wants_user(Permission permission) {
  return permission == Permission::kAuthenticated || permission == Permission::kToken;
}

void add_short_secret(const Config& config, std::vector<std::string>& notices) {
  const std::size_t bytes = config.auth.hmac_secret.size();
  if (bytes > 0 && bytes < kHmacSecretBytesMin) {
    notices.push_back(
        "auth.hmac_secret has only " + std::to_string(bytes) +
        " bytes, so that whoever has a token may guess it; 32 random ones are enough");
  }
}

/// Rules that want a user where no token could be checked. Allowed, so that a file can be written
/// before its keys are there, but worth a word: nobody passes.
void add_rules_without_keys(const Config& config, std::vector<std::string>& notices) {
  const Auth& auth = config.auth;
  if (!auth.hmac_secret.empty() || !auth.public_key_file.empty() || !auth.jwks_file.empty()) {
    return;
  }
  const auto add = [&](std::size_t index, std::string_view key, std::string_view value) {
    notices.push_back("topics[" + std::to_string(index) + "]." + std::string(key) + ": " +
                      std::string(value) +
                      " wants a user, but no key for tokens is configured (auth.hmac_secret, "
                      "auth.public_key_file or auth.jwks_file): nobody passes");
  };
  if (auth.required) {
    notices.push_back(
        "auth.required is true, but no key for tokens is configured (auth.hmac_secret, "
        "auth.public_key_file or auth.jwks_file): nobody passes");
  }
  for (std::size_t i = 0; i < config.topics.size(); ++i) {
    const TopicRule& rule = config.topics[i];
    if (rule.match.find("{user}") != rule.match.npos) {
      add(i, "match", "{user}");
    }
    for (const auto& [key, permission] :
         {std::pair("subscribe", rule.subscribe), std::pair("publish", rule.publish)}) {
      if (wants_user(permission)) {
        add(i, key, permission == Permission::kToken ? "token" : "authenticated");
      }
    }
  }
}

void add_rules_out_of_reach(const Config& config, std::vector<std::string>& notices) {
  const auto all = std::ranges::find(config.topics, ">", &TopicRule::match);
  if (all == config.topics.end() || all + 1 == config.topics.end()) {
    return;
  }
  const auto index = all - config.topics.begin();
  notices.push_back("topics[" + std::to_string(index + 1) +
                    "] and what follows it never apply, for topics[" + std::to_string(index) +
                    "] matches every topic");
}

void add_hidden_bounds(const Config& config, const GivenKeys& given,
                       std::vector<std::string>& notices) {
  for (std::size_t i = 0; i < config.topics.size(); ++i) {
    const std::string path = "topics[" + std::to_string(i) + "].message_bytes";
    const std::uint64_t bytes = config.topics[i].message_bytes;
    if (given.has(path) && bytes > config.limits.message_bytes) {
      notices.push_back(path + " is " + format_size(bytes) +
                        ", but clients' messages end at limits.message_bytes, which is " +
                        format_size(config.limits.message_bytes));
    }
  }
}

/// PROXY headers are read, and nobody's is believed: such a listener lets nobody in.
void add_headers_of_nobody(const Config& config, std::vector<std::string>& notices) {
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    if (config.listen[i].proxy_protocol && config.trusted_proxies.empty()) {
      notices.push_back("listen[" + std::to_string(i) +
                        "].proxy_protocol is on, but trusted_proxies is empty: every connection "
                        "is closed");
    }
  }
}

}  // namespace

std::vector<std::string> find_notices(const Config& config, const GivenKeys& given) {
  std::vector<std::string> notices;
  add_missing_features(config, given, notices);
  add_short_secret(config, notices);
  add_rules_without_keys(config, notices);
  add_rules_out_of_reach(config, notices);
  add_hidden_bounds(config, given, notices);
  add_headers_of_nobody(config, notices);
  return notices;
}

}  // namespace wspush::config
