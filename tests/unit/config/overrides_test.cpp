#include "config/overrides.hpp"

#include <algorithm>

#include "config/config_keys.hpp"
#include "unit/config/load.hpp"

namespace wspush::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

LoadRequest request_of(std::vector<std::string> set,
                       std::vector<std::pair<std::string, std::string>> environment = {}) {
  LoadRequest request;
  request.set = std::move(set);
  request.environment = std::move(environment);
  return request;
}

TEST(Overrides, WinInTheOrderOfSetEnvironmentFile) {
  LoadRequest request =
      request_of({"heartbeat.ping_interval=30s"}, {{"WSPUSHD_HEARTBEAT__PING_INTERVAL", "20s"},
                                                   {"WSPUSHD_HEARTBEAT__PONG_TIMEOUT", "2s"},
                                                   {"HOME", "/root"}});
  request.text =
      "heartbeat: {ping_interval: 10s, pong_timeout: 1s, proxy_read_timeout: 40s}\necho: true\n";
  const LoadResult result = load_config(request);
  ASSERT_THAT(result.faults, IsEmpty()) << to_string(result.faults);
  EXPECT_EQ(result.config->heartbeat.ping_interval, milliseconds(30'000));
  EXPECT_EQ(result.config->heartbeat.pong_timeout, milliseconds(2'000));
  EXPECT_EQ(result.config->heartbeat.proxy_read_timeout, milliseconds(40'000));
  EXPECT_TRUE(result.config->echo);
}

TEST(Overrides, WinOverABadValueOfTheFile) {
  EXPECT_THAT(faults_of("echo: maybe\n", {"echo=true"}), IsEmpty());
}

TEST(Overrides, AreYaml) {
  const LoadResult result = load_config(request_of(
      {"internal.api_keys=[a, {key: b, can: [read]}]", "log={level: debug, access: true}",
       "path_prefix=", "topics=[{match: \"a.>\"}]", "drain.period=0", "log.file=/tmp/x=y"},
      {{"WSPUSHD_ORIGINS", "[\"*\"]"}, {"WSPUSHD_ECHO", "true"}, {"WSPUSHD_LOG__FORMAT", "json"}}));
  ASSERT_THAT(result.faults, IsEmpty()) << to_string(result.faults);
  const Config& config = *result.config;
  EXPECT_EQ(config.internal.api_keys.size(), 2U);
  EXPECT_EQ(config.log, (Log{LogLevel::kDebug, LogFormat::kJson, "/tmp/x=y", true}));
  EXPECT_EQ(config.path_prefix, "");
  EXPECT_EQ(config.topics,
            (std::vector<TopicRule>{TopicRule{.match = "a.>", .history = {}, .forward = {}}}));
  EXPECT_THAT(config.origins, ElementsAre("*"));
  EXPECT_TRUE(config.echo);
}

TEST(Overrides, ReplaceListsAsAWhole) {
  const LoadResult result =
      load_text("listen: [{address: \"a:1\"}, {address: \"b:2\"}]\nws_paths: [/a, /b]\n",
                {"listen=[{address: \"c:3\"}]", "ws_paths=[/c]"});
  ASSERT_THAT(result.faults, IsEmpty()) << to_string(result.faults);
  EXPECT_EQ(result.config->listen, (std::vector<Listener>{Listener{.address = "c:3", .tls = {}}}));
  EXPECT_THAT(result.config->ws_paths, ElementsAre("/c"));
}

TEST(Overrides, OfOneKeyTheLastWins) {
  const LoadResult result = load_config(request_of({"reactors=2", "reactors=3"}));
  ASSERT_TRUE(result.config);
  EXPECT_EQ(result.config->reactors, 3U);
}

TEST(Overrides, RefuseUnknownKeysByTheirOwnName) {
  EXPECT_THAT(
      faults_of_overrides(
          request_of({"heartbeat.pong=1s", "nothing", "=5", "topics[0].match=a",
                      "listen[].address=x", "heartbeat.ping_interval:5s", "log.level.x=1"},
                     {{"WSPUSHD_HEARTBEAT__PONG", "1s"},
                      {"WSPUSHD_LIMIT__TOPICS", "1"},
                      {"WSPUSHD_", "1"},
                      {"WSPUSHDX", "1"}})),
      ElementsAre("WSPUSHD_HEARTBEAT__PONG: unknown key; nearest: WSPUSHD_HEARTBEAT__PONG_TIMEOUT",
                  "WSPUSHD_LIMIT__TOPICS: unknown key; nearest: WSPUSHD_LIMITS__TOPICS",
                  testing::StartsWith("WSPUSHD_: unknown key; nearest: WSPUSHD_"),
                  "--set heartbeat.pong: unknown key; nearest: heartbeat.pong_timeout",
                  "--set nothing: found no value; allowed: KEY=VALUE",
                  testing::StartsWith("--set : unknown key; nearest: "),
                  "--set topics[0].match: found an item of a list; allowed: the whole list, "
                  "topics=[...]",
                  "--set listen[].address: found an item of a list; allowed: the whole list, "
                  "listen=[...]",
                  "--set heartbeat.ping_interval: found no value; allowed: KEY=VALUE",
                  testing::StartsWith("--set log.level.x: unknown key; nearest: log.")));
}

TEST(Overrides, RefuseBadValuesByTheirOwnName) {
  EXPECT_THAT(faults_of_overrides(
                  request_of({"heartbeat.ping_interval=5", "echo=", "log={levle: info, file: [a]}",
                              "topics=[{batch: 1s}]", "origins=*", "drain=5"},
                             {{"WSPUSHD_LIMITS__TOPICS", "none"}, {"WSPUSHD_ORIGINS", "[a"}})),
              ElementsAre("WSPUSHD_LIMITS__TOPICS: limits.topics: found \"none\"; allowed: 1 to "
                          "100000000",
                          "WSPUSHD_ORIGINS: bad YAML: a '[' is not closed",
                          "--set heartbeat.ping_interval: found \"5\"; allowed: a duration (250ms, "
                          "50s, 5m, 2h) from "
                          "10ms to 24h, with a unit: ms, s, m or h",
                          "--set echo: found nothing; allowed: true or false",
                          "--set log: log.levle: unknown key; nearest: log.level",
                          "--set log: log.file: found a list; allowed: a path, or empty",
                          "--set topics: topics[0].batch: found \"1s\"; allowed: a duration "
                          "(250ms, 50s, 5m, 2h) from "
                          "0ms to 20ms",
                          "--set origins: bad YAML: a text that begins with '*' needs quotes",
                          "--set drain: found a text; allowed: a mapping of keys"));
}

TEST(Overrides, AreJudgedBesideABrokenFile) {
  EXPECT_THAT(faults_of("log: [\n", {"heartbeat.pong=1s", "echo=maybe"}),
              ElementsAre(testing::StartsWith("w.yaml:1:7: bad YAML: a '[' is not closed\n"),
                          "--set heartbeat.pong: unknown key; nearest: heartbeat.pong_timeout",
                          "--set echo: found \"maybe\"; allowed: true or false"));
}

TEST(Overrides, DoNotHideASectionThatIsNone) {
  EXPECT_THAT(faults_of("log: info\n", {"log.level=debug"}),
              ElementsAre("w.yaml:1:6: log: found a text; allowed: a mapping of keys"));
}

TEST(Overrides, NeverShowASecret) {
  const LoadResult result = load_config(request_of(
      {"auth.hmac_secret=[s3cret", "auth.hmac_secret:s3cret", "auth.hmac_secret s3cret",
       "internal.api_keys=s3cret", "auth.hmac_secrt=s3cret", "auth.hmac_secret=*s3cret"},
      {{"WSPUSHD_AUTH__HMAC_SECRET", "{s3cret: x}"}, {"WSPUSHD_AUTH__SECRET", "s3cret"}}));
  EXPECT_EQ(result.faults.size(), 8U);
  EXPECT_EQ(to_string(result.faults).find("s3cret"), std::string::npos) << to_string(result.faults);
}

TEST(Overrides, PassOverTheVariablesThatKubernetesMakes) {
  EXPECT_THAT(
      faults_of_overrides(request_of({}, {{"WSPUSHD_SERVICE_HOST", "10.0.0.1"},
                                          {"WSPUSHD_SERVICE_PORT", "8080"},
                                          {"WSPUSHD_SERVICE_PORT_HTTP", "8080"},
                                          {"WSPUSHD_PORT", "tcp://10.0.0.1:8080"},
                                          {"WSPUSHD_PORT_8080_TCP", "tcp://10.0.0.1:8080"},
                                          {"WSPUSHD_PORT_8080_TCP_ADDR", "10.0.0.1"},
                                          {"WSPUSHD_INTERNAL_SERVICE_HOST", "10.0.0.1"},
                                          {"WSPUSHD_INTERNAL_PORT_8081_TCP_PROTO", "tcp"}})),
      IsEmpty());
  EXPECT_EQ(
      faults_of_overrides(request_of({}, {{"WSPUSHD_PORTS", "1"}, {"WSPUSHD_PORT_X_TCP", "1"}}))
          .size(),
      2U);
}

TEST(Overrides, HaveAVariableForEveryKeyOutsideOfLists) {
  for (const KeyRow& row : config_keys()) {
    if (row.path.find('[') != row.path.npos) {
      continue;
    }
    const LoadResult result =
        load_config(request_of({}, {{environment_name(row.path), "[[not a value of any key]]"}}));
    const auto named = std::ranges::find(result.faults, environment_name(row.path), &Fault::source);
    ASSERT_NE(named, result.faults.end()) << row.path;
    EXPECT_EQ(named->message.find("unknown"), std::string::npos) << to_string(*named);
  }
}

}  // namespace
}  // namespace wspush::config
