#include "unit/config/load.hpp"

namespace wspush::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> notices_of(const std::string& text) {
  const LoadResult result = load_text(text);
  EXPECT_TRUE(result.config) << to_string(result.faults);
  return result.notices;
}

TEST(Notices, AreNoneForTheDefaults) {
  EXPECT_THAT(notices_of(""), IsEmpty());
  EXPECT_THAT(load_config({}).notices, IsEmpty());
}

TEST(Notices, NameKeysWhoseFeatureIsNotThereYet) {
  EXPECT_THAT(notices_of("compression: {level: 5, min_bytes: 1}\n"), IsEmpty());
  EXPECT_THAT(notices_of("compression: {context_takeover: true}\n"), IsEmpty());
  EXPECT_THAT(notices_of("topics: [{match: a, presence: count}, {presence: true}]\n"), IsEmpty());
  EXPECT_THAT(
      notices_of("engine: {type: redis}\n"),
      ElementsAre(HasSubstr("engine.type is set, but this version has no Redis engine yet")));
  EXPECT_THAT(notices_of("bridges: [{name: a, type: kafka, brokers: b, produce: {topic: t}}]\n"),
              ElementsAre("bridges is set, but this version has no bridges yet"));
  EXPECT_THAT(notices_of("pusher: {apps: [{id: 1, key: a, secret: b}]}\n"),
              ElementsAre("pusher.apps is set, but this version has no Pusher door yet"));
}

TEST(Notices, CountTheKeysThatAreTooManyToName) {
  EXPECT_THAT(
      notices_of("bridges: [{name: x, type: kafka, brokers: b, produce: {topic: t}}]\n"
                 "topics: [{match: a, forward: [x]}, {match: b, forward: [x]}, "
                 "{match: c, forward: [x]}, {match: d, forward: [x]}, {match: e, forward: [x]}]\n"),
      ElementsAre("bridges, topics[0].forward, topics[1].forward, topics[2].forward, "
                  "topics[3].forward and 1 more are set, but this version has no bridges yet"));
}

TEST(Notices, AreNoneForWhatIsSwitchedOff) {
  EXPECT_THAT(
      notices_of(
          "compression: {enabled: false, context_takeover: false}\nhandshake: {relaxed: false}\n"
          "listen: [{proxy_protocol: false}]\ntrusted_proxies: []\n"
          "auth: {hmac_secret: \"\", required: false, cookie: \"\"}\n"
          "topics: [{presence: false, forward: []}]\nengine: {type: memory}\n"
          "bridges: []\npusher: {apps: []}\n"),
      IsEmpty());
}

TEST(Notices, SayWhichListenerLetsNobodyIn) {
  EXPECT_THAT(notices_of("listen:\n  - address: 127.0.0.1:1\n  - proxy_protocol: true\n"),
              ElementsAre("listen[1].proxy_protocol is on, but trusted_proxies is empty: every "
                          "connection is closed"));
  EXPECT_THAT(notices_of("listen: [{proxy_protocol: true}]\ntrusted_proxies: [10.0.0.0/8]\n"
                         "handshake: {relaxed: true}\n"),
              IsEmpty());
}

TEST(Notices, SayWhichRulesLetNobodyIn) {
  EXPECT_THAT(
      notices_of(
          "topics:\n  - {match: \"inbox.{user}\", subscribe: authenticated, publish: token}\n"),
      ElementsAre(testing::StartsWith("topics[0].match: {user} wants a user, but no key for "
                                      "tokens is configured"),
                  testing::AllOf(testing::StartsWith("topics[0].subscribe: authenticated "),
                                 testing::EndsWith(": nobody passes")),
                  testing::StartsWith("topics[0].publish: token wants a user")));
  EXPECT_THAT(notices_of("auth: {required: true}\n"),
              ElementsAre(testing::StartsWith("auth.required is true, but no key for tokens")));
  EXPECT_THAT(notices_of("topics: [{subscribe: token}]\nauth: {jwks_file: /k, required: true}\n"),
              IsEmpty());
}

TEST(Notices, SayThatASecretIsShortAndNotWhichOne) {
  EXPECT_THAT(notices_of("auth: {hmac_secret: s3cret}\n"),
              ElementsAre(testing::AllOf(testing::StartsWith("auth.hmac_secret has only 6 bytes"),
                                         testing::Not(HasSubstr("s3cret")))));
  EXPECT_THAT(notices_of("auth: {hmac_secret: 0123456789abcdef0123456789abcdef}\n"), IsEmpty());
}

TEST(Notices, SayWhichRulesAreOutOfReach) {
  EXPECT_THAT(notices_of("topics: [{match: a}, {match: \">\"}, {match: b}]\n"),
              ElementsAre("topics[2] and what follows it never apply, for topics[1] matches every "
                          "topic"));
}

TEST(Notices, SayWhichBoundHidesAnother) {
  EXPECT_THAT(notices_of("topics: [{message_bytes: 2MiB}]\n"),
              ElementsAre("topics[0].message_bytes is 2MiB, but clients' messages end at "
                          "limits.message_bytes, which is 1MiB"));
  EXPECT_THAT(notices_of("topics: [{message_bytes: 1MiB}]\n"), IsEmpty());
  EXPECT_THAT(notices_of("limits: {message_bytes: 1KiB}\n"), IsEmpty());
}

TEST(Notices, NeverShowASecret) {
  const std::vector<std::string> notices = notices_of(
      "auth: {hmac_secret: s3cret}\nengine: {redis: {url: \"redis://:s3cret@h\"}}\n"
      "internal: {api_keys: [s3cret]}\npusher: {apps: [{id: 1, key: 1, secret: s3cret}]}\n");
  EXPECT_EQ(notices.size(), 3U);
  for (const std::string& notice : notices) {
    EXPECT_EQ(notice.find("s3cret"), std::string::npos);
  }
}

}  // namespace
}  // namespace wspush::config
