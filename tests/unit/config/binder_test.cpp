#include "config/binder.hpp"

#include "unit/config/load.hpp"

namespace wspush::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Binder, StoresValuesOfEveryKind) {
  const LoadResult result = load_text(R"(
listen:
  - address: "[::1]:9000"
  - address: unix:/run/wspushd.sock
reactors: 4
ws_paths: [/ws, /socket]
path_prefix: /push
echo: yes
heartbeat: {ping_interval: 20s, pong_timeout: 250ms}
limits:
  message_bytes: 2MiB
  headers: 64
topics:
  - match: "chat.*"
    subscribe: anyone
    publish: subscriber
    history: {messages: 5, ttl: 0}
    when_slow: latest
    batch: 20ms
  - match: ">"
internal:
  api_keys:
    - plain
    - {key: narrow, topics: ["news.>"], can: [read]}
  hosts: [wspushd]
log: {level: warning, format: json}
drain: {period: 0}
)");
  ASSERT_THAT(result.faults, IsEmpty()) << to_string(result.faults);
  const Config& config = *result.config;
  ASSERT_EQ(config.listen.size(), 2U);
  EXPECT_EQ(config.listen[0].address, "[::1]:9000");
  EXPECT_EQ(config.listen[1].address, "unix:/run/wspushd.sock");
  EXPECT_EQ(config.reactors, 4U);
  EXPECT_THAT(config.ws_paths, ElementsAre("/ws", "/socket"));
  EXPECT_EQ(config.path_prefix, "/push");
  EXPECT_TRUE(config.echo);
  EXPECT_EQ(config.heartbeat.ping_interval, milliseconds(20'000));
  EXPECT_EQ(config.heartbeat.pong_timeout, milliseconds(250));
  EXPECT_EQ(config.heartbeat.proxy_read_timeout, milliseconds(60'000));
  EXPECT_EQ(config.limits.message_bytes, 2U << 20);
  EXPECT_EQ(config.limits.headers, 64U);
  EXPECT_EQ(config.limits.topics, 1'000'000U);
  ASSERT_EQ(config.topics.size(), 2U);
  EXPECT_EQ(config.topics[0].match, "chat.*");
  EXPECT_EQ(config.topics[0].publish, Permission::kSubscriber);
  EXPECT_EQ(config.topics[0].history,
            (History{.messages = 5, .bytes = 1U << 20, .ttl = milliseconds(0)}));
  EXPECT_EQ(config.topics[0].when_slow, WhenSlow::kLatest);
  EXPECT_EQ(config.topics[0].batch, milliseconds(20));
  EXPECT_EQ(config.topics[1], TopicRule{});
  ASSERT_EQ(config.internal.api_keys.size(), 2U);
  EXPECT_EQ(config.internal.api_keys[0], (ApiKey{.key = "plain", .topics = {}}));
  EXPECT_EQ(
      config.internal.api_keys[1],
      (ApiKey{.key = "narrow", .topics = {"news.>"}, .can_publish = false, .can_read = true}));
  EXPECT_EQ(config.log.level, LogLevel::kWarning);
  EXPECT_EQ(config.log.format, LogFormat::kJson);
  EXPECT_EQ(config.drain.period, milliseconds(0));
}

TEST(Binder, StoresWhatLiesInListsOfListsAtItsPlace) {
  const LoadResult result = load_text(R"(
listen:
  - {address: "a:1"}
  - address: "b:2"
    tls:
      certificate: c
      key: k
      also: [{certificate: c0, key: k0}, {certificate: c1, key: k1}]
      min_version: 1.3
pusher:
  apps:
    - {id: 1, key: a, secret: s}
    - id: 2
      key: b
      secret: s
      webhooks:
        - {url: "http://x"}
        - {url: "http://y", events: [cache_miss]}
bridges:
  - {name: orders, type: kafka, brokers: "h:1", properties: {a.b: 1}, produce: {topic: t}}
)");
  ASSERT_THAT(result.faults, IsEmpty()) << to_string(result.faults);
  const Config& config = *result.config;
  EXPECT_FALSE(config.listen[0].tls.enabled);
  EXPECT_TRUE(config.listen[1].tls.enabled);
  EXPECT_EQ(config.listen[1].tls.also[0], (CertificatePair{"c0", "k0"}));
  EXPECT_EQ(config.listen[1].tls.also[1], (CertificatePair{"c1", "k1"}));
  EXPECT_EQ(config.listen[1].tls.min_version, "1.3");
  EXPECT_EQ(config.pusher_apps[0].webhooks.size(), 0U);
  EXPECT_EQ(config.pusher_apps[1].webhooks[1], (Webhook{"http://y", {"cache_miss"}}));
  EXPECT_EQ(config.bridges[0].properties, (TextPairs{{"a.b", "1"}}));
}

TEST(Binder, TakesAFileOfNothingButEmptySections) {
  const LoadResult result = load_text("heartbeat:\nlimits: {}\nauth: ~\ntopics: []\n");
  ASSERT_THAT(result.faults, IsEmpty()) << to_string(result.faults);
  EXPECT_THAT(result.config->topics, IsEmpty());
  EXPECT_EQ(result.config->limits, Limits{});
}

TEST(Binder, RefusesUnknownKeysAndNamesTheNearest) {
  EXPECT_THAT(
      faults_of("heartbeat:\n  ping_intervall: 5s\nlisten:\n  - adress: x\n  - {tls: {}, address: "
                "\"a:1\"}\nfoo bar: 1\n"
                "topics:\n  - history: {tll: 5m}\n"),
      ElementsAre(
          "w.yaml:2:3: heartbeat.ping_intervall: unknown key; nearest: "
          "heartbeat.ping_interval",
          "w.yaml:4:5: listen[0].adress: unknown key; nearest: listen[0].address",
          "w.yaml:5:11: listen[1].tls.certificate: missing; allowed: a path",
          "w.yaml:5:11: listen[1].tls.key: missing; allowed: a path",
          testing::StartsWith("w.yaml:6:1: \"foo bar\": unknown key; nearest: "),
          "w.yaml:8:15: topics[0].history.tll: unknown key; nearest: topics[0].history.ttl"));
}

TEST(Binder, RefusesAKeyThatComesTwice) {
  EXPECT_THAT(
      faults_of("log:\n  level: info\n  level: debug\necho: true\necho: true\nlog: {}\n"),
      ElementsAre("w.yaml:3:3: log.level: found a second time, after w.yaml:2:3; allowed: once",
                  "w.yaml:5:1: echo: found a second time, after w.yaml:4:1; allowed: once",
                  "w.yaml:6:1: log: found a second time, after w.yaml:1:1; allowed: once"));
}

TEST(Binder, RefusesValuesOfTheWrongKind) {
  EXPECT_THAT(
      faults_of("echo: maybe\n"
                "demo: \"true\"\n"
                "reactors: many\n"
                "origins: same\n"
                "log: [info]\n"
                "listen: {address: \"a:1\"}\n"
                "topics: [chat, [], ~]\n"
                "path_prefix: [a]\n"
                "limits: {headers: \"100\", topics: [1], message_bytes: {}}\n"),
      ElementsAre(
          "w.yaml:1:7: echo: found \"maybe\"; allowed: true or false",
          "w.yaml:2:7: demo: found the text \"true\"; allowed: true or false",
          "w.yaml:3:11: reactors: found \"many\"; allowed: auto, or 1 to 1024",
          "w.yaml:4:10: origins: found \"same\"; allowed: a list, [...]",
          "w.yaml:5:6: log: found a list; allowed: a mapping of keys",
          "w.yaml:6:9: listen: found a mapping; allowed: a list of mappings",
          "w.yaml:7:10: topics[0]: found a text; allowed: a mapping",
          "w.yaml:7:16: topics[1]: found a list; allowed: a mapping",
          "w.yaml:7:20: topics[2]: found nothing; allowed: a mapping",
          "w.yaml:8:14: path_prefix: found a list; allowed: empty, or a path that begins with / "
          "and "
          "does not end with one",
          "w.yaml:9:19: limits.headers: found the text \"100\"; allowed: 1 to 10000",
          "w.yaml:9:34: limits.topics: found a list; allowed: 1 to 100000000",
          "w.yaml:9:54: limits.message_bytes: found a mapping; allowed: a size (512, 16KiB, 1MiB) "
          "from 1 to 1GiB"));
}

TEST(Binder, RefusesValuesOutOfRangeWithTheRangeAndItsUnit) {
  EXPECT_THAT(
      faults_of("limits:\n"
                "  topic_bytes: 256\n"
                "  message_bytes: 1MB\n"
                "  connections: -1\n"
                "  write_timeout: 2h\n"
                "heartbeat:\n"
                "  pong_timeout: 5\n"
                "topics:\n"
                "  - {batch: 21ms, when_slow: drop}\n"),
      ElementsAre(
          "w.yaml:2:16: limits.topic_bytes: found \"256\"; allowed: 1 to 255",
          "w.yaml:3:18: limits.message_bytes: found \"1MB\"; allowed: a size (512, 16KiB, 1MiB) "
          "from 1 "
          "to 1GiB, write MiB, which is 1024KiB",
          "w.yaml:4:16: limits.connections: found \"-1\"; allowed: 0 to 100000000",
          "w.yaml:5:18: limits.write_timeout: found \"2h\"; allowed: a duration (250ms, 50s, 5m, "
          "2h) "
          "from 10ms to 1h",
          "w.yaml:7:17: heartbeat.pong_timeout: found \"5\"; allowed: a duration (250ms, 50s, 5m, "
          "2h) "
          "from 10ms to 1h, with a unit: ms, s, m or h",
          "w.yaml:9:13: topics[0].batch: found \"21ms\"; allowed: a duration (250ms, 50s, 5m, 2h) "
          "from 0ms to 20ms",
          "w.yaml:9:30: topics[0].when_slow: found \"drop\"; allowed: gap, disconnect or latest"));
}

TEST(Binder, PutsAnEmptyValueAtItsKey) {
  EXPECT_THAT(
      faults_of("log:\n  file:\n  level: ~\necho:\n\n\ndemo: true\norigins:\n"),
      ElementsAre("w.yaml:2:3: log.file: found nothing; allowed: a path, or empty",
                  "w.yaml:3:3: log.level: found nothing; allowed: trace, debug, info, warning "
                  "or error",
                  "w.yaml:4:1: echo: found nothing; allowed: true or false",
                  testing::StartsWith("w.yaml:8:1: origins: found nothing; allowed: a list")));
}

TEST(Binder, PutsAFaultInAListAtItsItem) {
  EXPECT_THAT(
      faults_of("origins: [same, example.com]\nws_paths:\n  - /ws\n  - /ws\n"
                "internal:\n  api_keys: [{key: a, can: [publish, reed]}, {key: b, can: []}]\n"),
      ElementsAre("w.yaml:1:17: origins[1]: found \"example.com\"; allowed: same, *, "
                  "*.example.com, null, or an "
                  "origin such as https://example.com:8443 without a path",
                  "w.yaml:4:5: ws_paths[1]: found \"/ws\"; allowed: each item once",
                  "w.yaml:6:38: internal.api_keys[0].can[1]: found \"reed\"; allowed: publish or "
                  "read, each "
                  "once",
                  "w.yaml:6:60: internal.api_keys[1].can: found a list; allowed: a list of publish "
                  "and read, "
                  "one at least"));
}

TEST(Binder, TellsOfEveryItemOfAListThatIsRefused) {
  EXPECT_THAT(
      faults_of("ws_paths: [/a, b, /c, c, /a]\n"
                "internal:\n  api_keys: [{key: a, can: [reed, publish, publish]}]\n"),
      ElementsAre(testing::StartsWith("w.yaml:1:16: ws_paths[1]: found \"b\"; "),
                  testing::StartsWith("w.yaml:1:23: ws_paths[3]: found \"c\"; "),
                  "w.yaml:1:26: ws_paths[4]: found \"/a\"; allowed: each item once",
                  testing::StartsWith("w.yaml:3:29: internal.api_keys[0].can[0]: found \"reed\"; "),
                  testing::StartsWith("w.yaml:3:44: internal.api_keys[0].can[2]: found ")));
}

TEST(Binder, PutsAFaultOfAnAliasWhereTheAliasStands) {
  EXPECT_THAT(faults_of("heartbeat:\n  pong_timeout: &t 20s\ntopics:\n  - batch: *t\n"),
              ElementsAre(testing::StartsWith("w.yaml:4:12: topics[0].batch: found \"20s\"; ")));
}

TEST(Binder, NeverShowsASecret) {
  for (const char* text : {
           "auth: {hmac_secret: [s3cret]}",
           "auth: s3cret",
           "internal: {api_keys: s3cret}",
           "internal: {api_keys: [\"s3cret with blanks\"]}",
           "internal: {api_keys: [s3cret, s3cret]}",
           "internal: {api_keys: [{s3cret: x}]}",
           "internal: {api_keys: [{key: \"s3cret \"}]}",
           "internal: {api_keys: [[s3cret]]}",
           "engine: {redis: {url: \"http://u:s3cret@h\"}}",
           "engine: {redis: {url: [s3cret]}}",
           "bridges: [{name: a, type: rabbitmq, url: s3cret}]",
           "bridges: [{name: a, type: kafka, url: \"amqp://u:s3cret@h\"}]",
           "bridges: [{name: a, type: kafka, properties: [s3cret]}]",
           "bridges: [{name: a, type: kafka, properties: {sasl.password: [s3cret]}}]",
           "pusher: {apps: [{id: 1, key: 1, secret: {s3cret: x}}]}",
           "pusher: {apps: [{id: 1, key: 1, secret: a, webhooks: [{url: \"s3cret\"}]}]}",
       }) {
    const LoadResult result = load_text(text);
    EXPECT_FALSE(result.config) << text;
    EXPECT_EQ(to_string(result.faults).find("s3cret"), std::string::npos)
        << to_string(result.faults);
  }
}

TEST(Binder, BoundsTheNumberOfFaults) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) {
    text += "unknown_" + std::to_string(i) + ": 1\n";
  }
  const std::vector<std::string> faults = faults_of(text);
  ASSERT_EQ(faults.size(), 101U);
  EXPECT_EQ(faults.back(), "w.yaml: and 49900 more faults");
}

}  // namespace
}  // namespace wspush::config
