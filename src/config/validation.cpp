#include "config/validation.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "config/text_format.hpp"
#include "config/units.hpp"

namespace wspush::config {
namespace {

std::string item(std::string_view list, std::size_t index) {
  return std::string(list) + '[' + std::to_string(index) + ']';
}

class Validator {
 public:
  Validator(const Config& config, const GivenKeys& given, FaultList& faults)
      : config_(config), given_(given), faults_(faults) {}

  void check_all() {
    check_listeners();
    check_paths();
    check_heartbeat();
    check_api_keys();
    check_forwards();
    check_bridges();
    check_pusher_apps();
  }

 private:
  void refuse(const std::string& key, std::string message) {
    faults_.add(given_.position_of(key), key, std::move(message));
  }

  void check_listeners() {
    if (config_.listen.empty() && given_.is_sound("listen")) {
      refuse("listen", "found no listener; allowed: one at least");
    }
    std::map<std::string_view, std::string> taken;
    const auto take = [&](std::string_view address, const std::string& key) {
      if (port_of(address) == 0 || !given_.is_sound(key)) {
        return;  // port 0 is another one each time
      }
      const auto [first, is_new] = taken.emplace(address, key);
      if (!is_new) {
        // A default stands nowhere: the one that was given is the place to change.
        const bool is_default = !given_.has(key) && given_.has(first->second);
        faults_.add(given_.position_of(is_default ? first->second : key), key,
                    "found " + shown(address) + ", the address of " + first->second +
                        "; allowed: an address for each listener");
      }
    };
    for (std::size_t i = 0; i < config_.listen.size(); ++i) {
      take(config_.listen[i].address, item("listen", i) + ".address");
    }
    take(config_.internal.address, "internal.address");
  }

  void check_paths() {
    for (std::size_t i = 0; i < config_.ws_paths.size(); ++i) {
      const std::string_view path = config_.ws_paths[i];
      for (const std::string_view taken : {"/topics", "/app", "/echo"}) {
        if (path == taken || (path.starts_with(taken) && path[taken.size()] == '/')) {
          refuse(item("ws_paths", i), "found " + shown(path) +
                                          ", which is the path of another door; "
                                          "allowed: paths outside of /topics, /app and /echo");
        }
      }
    }
  }

  void check_heartbeat() {
    const std::string ping = "heartbeat.ping_interval";
    const std::string proxy = "heartbeat.proxy_read_timeout";
    const Heartbeat& heartbeat = config_.heartbeat;
    if (!given_.is_sound(ping) || !given_.is_sound(proxy) ||
        heartbeat.ping_interval < heartbeat.proxy_read_timeout) {
      return;
    }
    faults_.add(given_.position_of(given_.has(ping) ? ping : proxy), ping,
                "found " + given_.text_of(ping, format_duration(heartbeat.ping_interval)) +
                    (given_.has(ping) ? "" : " (the default)") + "; allowed: below " + proxy +
                    ", which is " +
                    given_.text_of(proxy, format_duration(heartbeat.proxy_read_timeout)) +
                    (given_.has(proxy) ? "" : " by default"));
  }

  void check_api_keys() {
    const auto& keys = config_.internal.api_keys;
    std::map<std::string_view, std::size_t> seen;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::string path = item("internal.api_keys", i) + ".key";
      const auto [first, is_new] = seen.emplace(keys[i].key, i);
      if (!is_new && !keys[i].key.empty()) {
        refuse(path, "found the key of " + item("internal.api_keys", first->second) +
                         " again (not shown); allowed: each key once");
      }
    }
  }

  void check_forwards() {
    for (std::size_t i = 0; i < config_.topics.size(); ++i) {
      for (std::size_t j = 0; j < config_.topics[i].forward.size(); ++j) {
        check_forward(config_.topics[i].forward[j], item(item("topics", i) + ".forward", j));
      }
    }
  }

  void check_forward(const std::string& name, const std::string& path) {
    const auto bridge = std::ranges::find(config_.bridges, name, &Bridge::name);
    if (bridge == config_.bridges.end()) {
      std::string known;
      for (const Bridge& candidate : config_.bridges) {
        known += (known.empty() ? "" : ", ") + candidate.name;
      }
      refuse(path, "found " + shown(name) + ", which is no bridge; allowed: " +
                       (known.empty() ? "none, for `bridges` is empty" : known));
    } else if (bridge->produce_topic.empty() && bridge->produce_exchange.empty()) {
      refuse(path,
             "found " + shown(name) + ", which produces nothing; allowed: bridges with produce");
    }
  }

  void check_bridges() {
    std::map<std::string_view, std::size_t> names;
    for (std::size_t i = 0; i < config_.bridges.size(); ++i) {
      const Bridge& bridge = config_.bridges[i];
      const std::string path = item("bridges", i);
      if (const auto [first, is_new] = names.emplace(bridge.name, i);
          !is_new && !bridge.name.empty()) {
        refuse(path + ".name", "found " + shown(bridge.name) + ", the name of " +
                                   item("bridges", first->second) +
                                   "; allowed: a name for each bridge");
      }
      check_bridge_keys(bridge.type, path);
    }
  }

  struct BridgeKey {
    std::string_view type;
    std::string_view key;
    std::string_view needed_by;  ///< the section that needs it; empty: the bridge itself
    bool is_needed;
  };

  void check_bridge_keys(std::string_view type, const std::string& path) {
    static constexpr std::array<BridgeKey, 11> kKeys{{
        {"kafka", "brokers", "", true},
        {"kafka", "properties", "", false},
        {"kafka", "consume.topics", "consume", true},
        {"kafka", "produce.topic", "produce", true},
        {"rabbitmq", "url", "", true},
        {"rabbitmq", "consume.exchange", "consume", true},
        {"rabbitmq", "consume.binding_keys", "consume", false},
        {"rabbitmq", "produce.exchange", "produce", true},
        {"rabbitmq", "produce.routing_key", "produce", false},
        {"kafka", "consume.to", "consume", true},
        {"rabbitmq", "consume.to", "consume", true},
    }};
    if (type.empty()) {
      return;  // missing or refused by itself
    }
    for (const BridgeKey& key : kKeys) {
      const std::string key_path = path + '.' + std::string(key.key);
      const bool is_shared = key.key == "consume.to";
      if (key.type != type) {
        if (!is_shared && given_.has(key_path)) {
          refuse(key_path, "found in a bridge of type " + std::string(type) +
                               "; allowed: in one of type " + std::string(key.type));
        }
      } else if (key.is_needed && !given_.has(key_path) &&
                 (key.needed_by.empty() || given_.has(path + '.' + std::string(key.needed_by)))) {
        refuse(key_path, "missing; a bridge of type " + std::string(type) + " needs it");
      }
    }
    if (!given_.has(path + ".consume") && !given_.has(path + ".produce")) {
      refuse(path, "found neither consume nor produce; allowed: one of them, or both");
    }
  }

  void check_pusher_apps() {
    std::map<std::string_view, std::string> ids;
    std::map<std::string_view, std::string> keys;
    const auto take = [&](auto& seen, std::string_view text, const std::string& path) {
      const auto [first, is_new] = seen.emplace(text, path);
      if (!is_new && !text.empty()) {
        refuse(path, "found " + shown(text) + ", as in " + first->second +
                         "; allowed: another for each app");
      }
    };
    for (std::size_t i = 0; i < config_.pusher_apps.size(); ++i) {
      const std::string path = item("pusher.apps", i);
      take(ids, config_.pusher_apps[i].id, path + ".id");
      take(keys, config_.pusher_apps[i].key, path + ".key");
    }
  }

  const Config& config_;
  const GivenKeys& given_;
  FaultList& faults_;
};

}  // namespace

void validate(const Config& config, const GivenKeys& given, FaultList& faults) {
  Validator(config, given, faults).check_all();
}

}  // namespace wspush::config
