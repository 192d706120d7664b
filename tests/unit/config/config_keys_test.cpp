#include "config/config_keys.hpp"

#include <set>

#include "config/key_value.hpp"
#include "unit/config/load.hpp"

namespace wspush::config {
namespace {

bool is_number(const KeyRow& row) {
  return row.type == KeyType::kInteger || row.type == KeyType::kSize ||
         row.type == KeyType::kDuration;
}

Node scalar(std::string text) {
  Node node;
  node.kind = NodeKind::kScalar;
  node.text = std::move(text);
  return node;
}

/// Whether the table takes `text` for `row`, and what it then stands for.
std::optional<std::string> stored(const KeyRow& row, const std::string& text) {
  Config config = one_of_each();
  Slot slot{config};
  if (!store_value(row, scalar(text), row.field(slot)).empty()) {
    return std::nullopt;
  }
  return value_text(row, slot);
}

std::string spelled(const KeyRow& row, std::uint64_t number) {
  return std::to_string(number) + (row.type == KeyType::kDuration ? "ms" : "");
}

TEST(ConfigKeys, HasEachPathOnceBehindTheSectionThatHoldsIt) {
  std::set<std::string_view> seen{""};
  for (const KeyRow& row : config_keys()) {
    std::string_view parent = parent_of(row.path);
    if (parent.ends_with("[]")) {
      parent.remove_suffix(2);
    }
    EXPECT_TRUE(seen.contains(parent)) << row.path;
    EXPECT_TRUE(seen.insert(row.path).second) << row.path;
    EXPECT_EQ(find_key(row.path), &row);
  }
  EXPECT_EQ(find_key("no.such.key"), nullptr);
  EXPECT_EQ(find_key(""), nullptr);
}

TEST(ConfigKeys, ReachesADifferentMemberForEachKey) {
  Config config = one_of_each();
  Slot slot{config};
  std::set<const void*> members;
  for (const KeyRow& row : config_keys()) {
    if (row.field == nullptr || row.type == KeyType::kRights) {
      continue;
    }
    const Field member = row.field(slot);
    std::visit(
        [&](auto pointer) {
          if constexpr (!std::is_same_v<decltype(pointer), std::monostate>) {
            // A struct begins where its first member does; only lists and values stand here.
            EXPECT_TRUE(members.insert(pointer).second) << row.path;
          }
        },
        member);
  }
}

TEST(ConfigKeys, TakesEveryNumberAtItsBoundsAndNoneBeyond) {
  int checked = 0;
  for (const KeyRow& row : config_keys()) {
    if (!is_number(row)) {
      continue;
    }
    ASSERT_LT(row.min, row.max) << row.path;
    EXPECT_TRUE(stored(row, spelled(row, row.min))) << row.path;
    EXPECT_TRUE(stored(row, spelled(row, row.max))) << row.path;
    EXPECT_FALSE(stored(row, spelled(row, row.max + 1))) << row.path;
    EXPECT_FALSE(stored(row, "-1")) << row.path;
    EXPECT_FALSE(stored(row, "")) << row.path;
    if (row.min > 0) {
      EXPECT_FALSE(stored(row, spelled(row, row.min - 1))) << row.path;
    }
    ++checked;
  }
  EXPECT_GE(checked, 35);
}

TEST(ConfigKeys, StoresTheNumberThatWasWritten) {
  for (const KeyRow& row : config_keys()) {
    if (is_number(row)) {
      const std::string largest = spelled(row, row.max);
      const std::string shown = *stored(row, largest);
      EXPECT_EQ(stored(row, shown), shown) << row.path;
      EXPECT_NE(shown, stored(row, spelled(row, row.min))) << row.path;
    }
  }
}

TEST(ConfigKeys, HasEveryDefaultWithinItsBounds) {
  for (const KeyRow& row : config_keys()) {
    if (is_number(row) || row.type == KeyType::kChoice || row.type == KeyType::kBoolean) {
      EXPECT_EQ(stored(row, default_text(row)), default_text(row)) << row.path;
    }
  }
}

TEST(ConfigKeys, TakesEveryWordOfAChoiceAndNoOther) {
  for (const KeyRow& row : config_keys()) {
    for (const Choice& choice : row.choices) {
      EXPECT_EQ(stored(row, std::string(choice.name)), choice.name) << row.path;
      EXPECT_NE(allowed_text(row).find(choice.name), std::string::npos) << row.path;
    }
    if (row.type == KeyType::kChoice) {
      EXPECT_FALSE(stored(row, "something"));
      EXPECT_FALSE(stored(row, ""));
    }
  }
}

TEST(ConfigKeys, LetsNobodySubscribeAsASubscriber) {
  EXPECT_FALSE(stored(*find_key("topics[].subscribe"), "subscriber"));
  EXPECT_TRUE(stored(*find_key("topics[].publish"), "subscriber"));
}

TEST(ConfigKeys, TakesAutoAndTheNumbersOfReactors) {
  const KeyRow& row = *find_key("reactors");
  EXPECT_EQ(stored(row, "auto"), "auto");
  EXPECT_EQ(stored(row, "1"), "1");
  EXPECT_EQ(stored(row, "1024"), "1024");
  EXPECT_FALSE(stored(row, "0"));
  EXPECT_FALSE(stored(row, "1025"));
  EXPECT_EQ(allowed_text(row), "auto, or 1 to 1024");
}

TEST(ConfigKeys, SaysWhatIsAllowedForEveryKey) {
  for (const KeyRow& row : config_keys()) {
    EXPECT_FALSE(allowed_text(row).empty()) << row.path;
  }
  EXPECT_EQ(allowed_text(*find_key("limits.topic_bytes")), "1 to 255");
  EXPECT_EQ(allowed_text(*find_key("limits.message_bytes")), "1 to 1GiB");
  EXPECT_EQ(allowed_text(*find_key("topics[].batch")), "0ms to 20ms");
  EXPECT_EQ(allowed_text(*find_key("topics[].when_slow")), "gap, disconnect or latest");
}

TEST(ConfigKeys, KeepsToTheBoundsThatTheProtocolNames) {
  const auto bounds = [](std::string_view path) {
    const KeyRow& row = *find_key(path);
    return std::pair(row.min, row.max);
  };
  EXPECT_EQ(bounds("compression.level"), std::pair(std::uint64_t{1}, std::uint64_t{9}));
  EXPECT_EQ(bounds("compression.window_bits"), std::pair(std::uint64_t{9}, std::uint64_t{15}));
  EXPECT_EQ(bounds("limits.topic_bytes").second, 255U);
  EXPECT_EQ(bounds("topics[].batch").second, 20U);
}

TEST(ConfigKeys, MarksEverySecret) {
  std::set<std::string_view> secrets;
  for (const KeyRow& row : config_keys()) {
    if (row.is_secret) {
      secrets.insert(row.path);
    }
  }
  EXPECT_EQ(secrets, (std::set<std::string_view>{
                         "auth.hmac_secret", "bridges[].properties", "bridges[].url",
                         "engine.redis.url", "internal.api_keys", "internal.api_keys[].key",
                         "pusher.apps[].secret", "pusher.apps[].webhooks[].url"}));
}

TEST(ConfigKeys, ReloadsWhatTheContractMarks) {
  for (const KeyRow& row : config_keys()) {
    const std::string path(row.path);
    if (row.field == nullptr) {
      continue;
    }
    const bool is_marked = path.starts_with("limits.") || path.starts_with("auth.") ||
                           path.starts_with("topics") || path.starts_with("internal.api_keys") ||
                           path == "internal.hosts" || path == "origins" ||
                           path.starts_with("listen[].tls.") || path.starts_with("internal.tls.");
    EXPECT_EQ(row.is_reloadable, is_marked) << path;
  }
}

TEST(ConfigKeys, HasDefaultsAsTheContractHasThem) {
  const std::pair<const char*, const char*> defaults[] = {
      {"listen[].address", "\"127.0.0.1:8080\""},
      {"internal.address", "\"127.0.0.1:8081\""},
      {"reactors", "auto"},
      {"ws_paths", "[\"/ws\"]"},
      {"origins", "[\"same\"]"},
      {"handshake.timeout", "10s"},
      {"heartbeat.ping_interval", "50s"},
      {"heartbeat.pong_timeout", "10s"},
      {"heartbeat.proxy_read_timeout", "60s"},
      {"compression.enabled", "true"},
      {"compression.min_bytes", "128"},
      {"limits.message_bytes", "1MiB"},
      {"limits.header_bytes", "16KiB"},
      {"limits.body_bytes", "16MiB"},
      {"limits.topics", "1000000"},
      {"limits.write_timeout", "30s"},
      {"auth.clock_skew", "5s"},
      {"topics[].subscribe", "anyone"},
      {"topics[].publish", "nobody"},
      {"topics[].history.ttl", "5m"},
      {"topics[].message_bytes", "64KiB"},
      {"topics[].presence", "false"},
      {"topics[].when_slow", "gap"},
      {"engine.disk.sync", "\"1s\""},
      {"pusher.apps[].client_events_per_second", "10"},
      {"pusher.apps[].origins", "[\"*\"]"},
      {"log.level", "info"},
      {"drain.period", "10s"},
      {"internal.api_keys[].can", "[\"publish\", \"read\"]"},
      {"listen", "one item"},
      {"bridges", "[]"},
      {"bridges[].name", ""},
  };
  for (const auto& [path, text] : defaults) {
    EXPECT_EQ(default_text(*find_key(path)), text) << path;
  }
}

}  // namespace
}  // namespace wspush::config
