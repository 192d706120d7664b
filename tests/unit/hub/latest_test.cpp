// Those who want the newest message rather than each: src/hub/latest.cpp.
#include "unit/hub/hub_rig.hpp"

namespace wspush::hub::test {
namespace {

using std::chrono::milliseconds;

class Latest : public HubRig {
 protected:
  static inline const SubscribeOptions kLatest{.mode = Mode::kLatest};

  void publish_key(const std::string& topic, const std::string& payload, const std::string& key) {
    publish(topic, payload, 0, {}, key);
  }
  void pass(Duration time) {
    now_ += time;
    rest();
  }
};

TEST_F(Latest, BringsTheNewestOfEachKeyToWhoComesBack) {
  start(2);
  for (const std::size_t home : {0U, 1U}) {
    const std::string topic = topic_at(home);
    publish_key(topic, "a1", "a");
    publish_key(topic, "b1", "b");
    publish_key(topic, "a2", "a");
    publish_key(topic, "n1", "");
    rest();
    const auto slot = static_cast<std::uint32_t>(home);
    Client& client = connect(slot);
    subscribe(slot, topic, 0, {.after = {.kind = After::Kind::kFirst}, .mode = Mode::kLatest});
    rest();
    EXPECT_EQ(payloads(client), " b1 a2 n1");
  }
}

TEST_F(Latest, FindsAsideWhatTheRingHasDropped) {
  start(2);
  const std::string topic = topic_at(1);
  rule(topic).history.messages = 2;
  publish_key(topic, "a1", "a");
  for (int i = 0; i < 5; ++i) {
    publish_key(topic, "b" + std::to_string(i), "b");
  }
  rest();
  Client& client = connect(0);
  subscribe(0, topic, 0, {.after = {.kind = After::Kind::kFirst}, .mode = Mode::kLatest});
  Client& all = connect(1);
  subscribe(1, topic, 0, {.after = {.kind = After::Kind::kFirst}});
  rest();
  EXPECT_EQ(payloads(client), " a1 b4");
  EXPECT_EQ(payloads(all), " b3 b4") << "the log is for those who want all";
}

TEST_F(Latest, IsToldOfWhatWasDroppedBeforeThereWereKeys) {
  start(2);
  for (const std::size_t home : {0U, 1U}) {
    const std::string topic = topic_at(home);
    rule(topic).history.messages = 0;
    const auto slot = static_cast<std::uint32_t>(home);
    Client& client = connect(slot, 0, Reader::kFlaky);
    at(0).set_calm(true);
    subscribe(slot, topic, 0, kLatest);
    rest();
    at(0).set_calm(false);
    client.is_full = true;
    publish_key(topic, "n1", "");
    rest();
    publish_key(topic, "a1", "a");
    rest();
    at(0).set_calm(true);
    at(0).unblock(slot);
    rest();
    EXPECT_EQ(payloads(client), " G a1") << "n1 was the newest without a key, and is gone";
    publish_key(topic, "n2", "");
    rest();
    EXPECT_EQ(payloads(client), " G a1 n2");
  }
}

TEST_F(Latest, LetsGoOfWhatIsAsideWhenItIsTooOld) {
  start(1);
  const std::string topic = topic_at(0);
  rule(topic).history.messages = 1;
  publish_key(topic, "a1", "a");
  now_ += milliseconds(200'000);
  rest();
  publish_key(topic, "b1", "b");
  now_ += milliseconds(200'000);
  rest();
  Client& client = connect(0);
  subscribe(0, topic, 0, {.after = {.kind = After::Kind::kFirst}, .mode = Mode::kLatest});
  rest();
  EXPECT_EQ(payloads(client), " b1");
}

TEST_F(Latest, OfAPatternBringsTheNewestOfEachTopicAndKey) {
  start(2);
  rules_.rules["p.a"].match = "p.a";
  rules_.rules["p.b"].match = "p.b";
  Client& client = connect(0, 0, Reader::kFlaky);
  subscribe(0, "p.*", 0, kLatest);
  rest();
  client.is_full = true;
  for (int i = 0; i < 5; ++i) {
    publish_key("p.a", "a" + std::to_string(i), "");
    publish_key("p.b", "x" + std::to_string(i), "x");
    publish_key("p.b", "y" + std::to_string(i), "y");
    rest();
  }
  at(0).set_calm(true);
  at(0).unblock(0);
  rest();
  const std::string got = payloads(client);
  for (const char* newest : {" a4", " x4", " y4"}) {
    EXPECT_NE(got.find(newest), std::string::npos) << got;
  }
  EXPECT_LT(got.size(), 15 * 3U) << "it skipped nothing: " << got;
  EXPECT_EQ(got.find('K'), std::string::npos) << got;
}

TEST_F(Latest, ComesNoMoreOftenThanMaxRateSays) {
  start(1);
  const std::string topic = topic_at(0);
  Client& client = connect(0);
  subscribe(0, topic, 0, {.mode = Mode::kRated, .interval = milliseconds(100)});
  rest();
  EXPECT_EQ(hub().behind_count(), 0U);
  for (int i = 0; i < 25; ++i) {
    publish(topic, std::to_string(i));
    pass(milliseconds(10));
  }
  // At 0, 100 and 200 ms, always the newest one.
  EXPECT_EQ(payloads(client), " 0 10 20");
  EXPECT_NE(hub().next_flush(), TimePoint::max()) << "somebody has to wake it";
  pass(milliseconds(100));
  EXPECT_EQ(payloads(client), " 0 10 20 24");
  pass(milliseconds(500));
  EXPECT_EQ(payloads(client), " 0 10 20 24");
  EXPECT_EQ(hub().next_flush(), TimePoint::max());
}

TEST_F(Latest, OfMaxRateTakesTheKeysInTurn) {
  start(1);
  const std::string topic = topic_at(0);
  Client& client = connect(0);
  subscribe(0, topic, 0, {.mode = Mode::kRated, .interval = milliseconds(100)});
  rest();
  for (int i = 0; i < 4; ++i) {
    publish_key(topic, "a" + std::to_string(i), "a");
    publish_key(topic, "b" + std::to_string(i), "b");
  }
  rest();
  for (int i = 0; i < 5; ++i) {
    pass(milliseconds(100));
  }
  EXPECT_EQ(payloads(client), " a3 b3");
}

TEST_F(Latest, WithMaxRateWorksForPatternsToo) {
  start(2);
  rules_.rules["p.a"].match = "p.a";
  rules_.rules["p.b"].match = "p.b";
  Client& client = connect(0);
  subscribe(0, "p.*", 0, {.mode = Mode::kRated, .interval = milliseconds(100)});
  rest();
  for (int i = 0; i < 30; ++i) {
    publish("p.a", "a" + std::to_string(i));
    publish("p.b", "b" + std::to_string(i));
    pass(milliseconds(10));
  }
  pass(milliseconds(100));
  pass(milliseconds(100));
  const std::string got = payloads(client);
  EXPECT_LE(std::count(got.begin(), got.end(), ' '), 5) << got;
  EXPECT_NE(got.find(" a29"), std::string::npos) << got;
  EXPECT_NE(got.find(" b29"), std::string::npos) << got;
}

TEST_F(Latest, WithMaxRateIsGoneWhenItsSubscriberIs) {
  start(1);
  const std::string topic = topic_at(0);
  connect(0);
  subscribe(0, topic, 0, {.mode = Mode::kRated, .interval = milliseconds(100)});
  rest();
  publish(topic, "1");
  rest();
  at(0).disconnect(0);
  rest();
  Client& next = connect(1);
  subscribe(1, topic, 0, {.mode = Mode::kRated, .interval = milliseconds(1000)});
  publish(topic, "2");
  rest();
  publish(topic, "3");
  pass(milliseconds(200));
  EXPECT_EQ(payloads(next), " 2") << "the timer of the one before was not its own";
  pass(milliseconds(900));
  EXPECT_EQ(payloads(next), " 2 3");
}

TEST_F(Latest, WithMaxRateLeavesNothingBehindHoweverOftenItComesAndGoes) {
  start(1);
  const std::string topic = topic_at(0);
  Client& client = connect(0);
  for (int i = 0; i < 1000; ++i) {
    subscribe(0, topic, 0, {.mode = Mode::kRated, .interval = std::chrono::hours(24)});
    publish(topic, "x");
    rest();
    at(0).unsubscribe(0, topic);
    subscribe(0, topic, 0, {.mode = Mode::kRated, .interval = std::chrono::hours(24)});
    at(0).unsubscribe(0, topic);
  }
  rest();
  EXPECT_EQ(std::count(client.stream.begin(), client.stream.end(), 'M'), 1000);
  subscribe(0, topic, 0, {.mode = Mode::kRated, .interval = milliseconds(100)});
  publish(topic, "last");
  rest();
  EXPECT_EQ(payloads(client).substr(payloads(client).rfind(' ')), " last");
}

/// A message that got lost may have been the newest of its key, whatever comes behind it.
TEST_F(Latest, IsToldOfAHoleThatMayHaveHadKeys) {
  for (const bool has_keys_before : {false, true}) {
    for (const std::string key_behind : {"", "b"}) {
      SCOPED_TRACE(key_behind + (has_keys_before ? " with" : " without"));
      reactors_.clear();
      start(2);
      const std::string topic = topic_at(1);
      Client& client = connect(0, 0, Reader::kFlaky);
      at(0).set_calm(true);
      subscribe(0, topic, 0, kLatest);
      rest();
      publish_key(topic, "first", has_keys_before ? "a" : "");
      rest();
      at(0).set_calm(false);
      client.is_full = true;
      publish_key(topic, "lost", "a");
      turn(kAll);
      turn(kAll, 1);
      post_->queue(1, 0).clear();
      publish_key(topic, "next", key_behind);
      publish_key(topic, "newest", "");
      rest();
      at(0).set_calm(true);
      at(0).unblock(0);
      rest();
      const std::string got = payloads(client);
      EXPECT_TRUE(got.starts_with(" first G")) << got;
      EXPECT_TRUE(got.ends_with(" newest")) << got;
      publish_key(topic, "live", "");
      rest();
      EXPECT_TRUE(payloads(client).ends_with(" newest live")) << "it is told once";
    }
  }
}

}  // namespace
}  // namespace wspush::hub::test
