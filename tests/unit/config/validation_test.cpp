#include "config/validation.hpp"

#include "unit/config/load.hpp"

namespace wspush::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Validation, WantsPingsMoreOftenThanTheProxyWaits) {
  EXPECT_THAT(faults_of("heartbeat:\n  ping_interval: 60s\n"),
              ElementsAre("w.yaml:2:18: heartbeat.ping_interval: found 60s; allowed: below "
                          "heartbeat.proxy_read_timeout, which is 60s by default"));
  EXPECT_THAT(faults_of("heartbeat:\n  proxy_read_timeout: 50s\n"),
              ElementsAre("w.yaml:2:23: heartbeat.ping_interval: found 50s (the default); allowed: "
                          "below heartbeat.proxy_read_timeout, which is 50s"));
  EXPECT_THAT(faults_of("heartbeat: {ping_interval: 120s, proxy_read_timeout: 90s}\n"),
              ElementsAre("w.yaml:1:28: heartbeat.ping_interval: found 120s; allowed: below "
                          "heartbeat.proxy_read_timeout, which is 90s"));
  EXPECT_THAT(faults_of("heartbeat: {ping_interval: 59999ms}\n"), IsEmpty());
  EXPECT_THAT(faults_of("{}", {"heartbeat.ping_interval=70s"}),
              ElementsAre("--set heartbeat.ping_interval: found 70s; allowed: below "
                          "heartbeat.proxy_read_timeout, which is 60s by default"));
}

TEST(Validation, SaysNothingAboutKeysThatAreFaultyByThemselves) {
  EXPECT_THAT(faults_of("heartbeat: {ping_interval: x, proxy_read_timeout: 20s}\n"),
              ElementsAre(testing::HasSubstr("found \"x\"")));
}

TEST(Validation, WantsAListenerAndAnAddressForEach) {
  EXPECT_THAT(faults_of("listen: []\n"),
              ElementsAre("w.yaml:1:9: listen: found no listener; allowed: one at least"));
  EXPECT_THAT(
      faults_of("listen:\n  - address: \"a:1\"\n  - address: \"b:1\"\n  - address: \"a:1\"\n"
                "internal:\n  address: \"b:1\"\n"),
      ElementsAre(
          "w.yaml:4:14: listen[2].address: found \"a:1\", the address of listen[0].address; "
          "allowed: an address for each listener",
          "w.yaml:6:12: internal.address: found \"b:1\", the address of listen[1].address; "
          "allowed: an address for each listener"));
  EXPECT_THAT(
      faults_of("listen: [{address: \"a:0\"}, {address: \"a:0\"}]\ninternal: {address: \"a:0\"}\n"),
      IsEmpty());
  EXPECT_THAT(
      faults_of("listen: [{}, {}]\n"),
      ElementsAre("w.yaml:1:14: listen[1].address: found \"127.0.0.1:8080\", the address of "
                  "listen[0].address; allowed: an address for each listener"));
}

TEST(Validation, PointsAtTheListenerThatTakesTheAddressOfADefault) {
  EXPECT_THAT(faults_of("echo: true\nlisten: [{address: \"127.0.0.1:8081\"}]\n"),
              ElementsAre("w.yaml:2:20: internal.address: found \"127.0.0.1:8081\", the address of "
                          "listen[0].address; allowed: an address for each listener"));
}

TEST(Validation, KeepsThePathsOfOtherDoorsFree) {
  EXPECT_THAT(
      faults_of("ws_paths: [/ws, /topics, /app/x, /echo, /topicsx]\n"),
      ElementsAre(testing::StartsWith("w.yaml:1:17: ws_paths[1]: found \"/topics\", which is"),
                  testing::StartsWith("w.yaml:1:26: ws_paths[2]: found \"/app/x\", which is"),
                  testing::StartsWith("w.yaml:1:34: ws_paths[3]: found \"/echo\", which is")));
}

TEST(Validation, WantsEachApiKeyOnce) {
  EXPECT_THAT(faults_of("internal:\n  api_keys: [a, {key: b}, {key: a}]\n"),
              ElementsAre("w.yaml:2:33: internal.api_keys[2].key: found the key of "
                          "internal.api_keys[0] again (not shown); allowed: each key once"));
}

TEST(Validation, WantsCertificateAndKeyForTls) {
  EXPECT_THAT(faults_of("listen:\n  - tls:\n      certificate: c\n"),
              ElementsAre("w.yaml:3:7: listen[0].tls.key: missing; allowed: a path"));
  EXPECT_THAT(faults_of("internal:\n  tls:\n"),
              ElementsAre("w.yaml:2:3: internal.tls.certificate: missing; allowed: a path",
                          "w.yaml:2:3: internal.tls.key: missing; allowed: a path"));
  EXPECT_THAT(
      faults_of("internal: {tls: {certificate: \"\", key: k, also: [{key: k}]}}\n"),
      ElementsAre("w.yaml:1:31: internal.tls.certificate: found \"\"; allowed: a path",
                  "w.yaml:1:50: internal.tls.also[0].certificate: missing; allowed: a path"));
}

constexpr const char* kBridges =
    "bridges:\n"
    "  - {name: orders, type: kafka, brokers: \"h:1\", consume: {topics: [t], to: x}}\n"
    "  - {name: jobs, type: rabbitmq, url: \"amqp://h\", produce: {exchange: e}}\n";

TEST(Validation, WantsForwardsToNameBridgesThatProduce) {
  EXPECT_THAT(faults_of(std::string(kBridges) + "topics:\n  - forward: [jobs]\n"), IsEmpty());
  EXPECT_THAT(faults_of(std::string(kBridges) + "topics:\n  - forward: [jobs, orders, x]\n"),
              ElementsAre("w.yaml:5:21: topics[0].forward[1]: found \"orders\", which produces "
                          "nothing; allowed: bridges with produce",
                          "w.yaml:5:29: topics[0].forward[2]: found \"x\", which is no bridge; "
                          "allowed: orders, jobs"));
  EXPECT_THAT(faults_of("topics:\n  - forward: [x]\n"),
              ElementsAre("w.yaml:2:15: topics[0].forward[0]: found \"x\", which is no bridge; "
                          "allowed: none, for `bridges` is empty"));
}

TEST(Validation, WantsFromABridgeTheKeysOfItsType) {
  EXPECT_THAT(
      faults_of(
          "bridges:\n"
          "  - {name: a, type: kafka}\n"
          "  - {name: a, type: kafka, brokers: b, url: \"amqp://h\", consume: {exchange: e}}\n"
          "  - {name: c, type: rabbitmq, url: \"amqp://h\", produce: {topic: t}}\n"
          "  - {name: d, type: nats}\n"
          "  - {type: kafka, brokers: b, produce: {topic: t}}\n"),
      testing::UnorderedElementsAre(
          "w.yaml:2:5: bridges[0].brokers: missing; a bridge of type kafka needs it",
          "w.yaml:2:5: bridges[0]: found neither consume nor produce; allowed: one of them, or "
          "both",
          "w.yaml:3:12: bridges[1].name: found \"a\", the name of bridges[0]; allowed: a name for "
          "each "
          "bridge",
          "w.yaml:3:45: bridges[1].url: found in a bridge of type kafka; allowed: in one of type "
          "rabbitmq",
          "w.yaml:3:66: bridges[1].consume.topics: missing; a bridge of type kafka needs it",
          "w.yaml:3:66: bridges[1].consume.to: missing; a bridge of type kafka needs it",
          "w.yaml:3:77: bridges[1].consume.exchange: found in a bridge of type kafka; allowed: in "
          "one "
          "of type rabbitmq",
          "w.yaml:4:57: bridges[2].produce.exchange: missing; a bridge of type rabbitmq needs it",
          "w.yaml:4:65: bridges[2].produce.topic: found in a bridge of type rabbitmq; allowed: in "
          "one "
          "of type kafka",
          "w.yaml:5:21: bridges[3].type: found \"nats\"; allowed: kafka or rabbitmq",
          "w.yaml:6:5: bridges[4].name: missing; allowed: letters, digits, dot, underscore and "
          "hyphen, 1 to 64"));
}

TEST(Validation, WantsPusherAppsThatCanBeToldApart) {
  EXPECT_THAT(
      faults_of(
          "pusher:\n  apps:\n    - {id: 1, key: a, secret: s}\n    - {id: 2, key: a, secret: s}\n"
          "    - {id: 1, key: b, secret: s}\n    - {id: 3, key: c}\n"),
      ElementsAre(
          "w.yaml:4:20: pusher.apps[1].key: found \"a\", as in pusher.apps[0].key; allowed: "
          "another for each app",
          "w.yaml:5:12: pusher.apps[2].id: found \"1\", as in pusher.apps[0].id; allowed: "
          "another for each app",
          "w.yaml:6:7: pusher.apps[3].secret: missing; allowed: a text that is not empty"));
}

}  // namespace
}  // namespace wspush::config
