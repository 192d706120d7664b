#include "unit/hub/hub_rig.hpp"

namespace wspush::hub::test {
namespace {

using FanOut = HubRig;

TEST_F(FanOut, AWalkThatEverybodyHasLeftIsForgotten) {
  start(1);
  rule("t").history.messages = 0;
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    connect(slot);
    subscribe(slot, "t");
  }
  rest();
  publish("t", "1");
  EXPECT_TRUE(turn(1));  // One of three has it.
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    at(0).unsubscribe(slot, "t");
  }
  publish("t", "2");
  publish("t", "3");
  rest();
  Client& late = connect(4);
  subscribe(4, "t");
  publish("t", "4");
  rest();
  publish("t", "5");
  rest();
  EXPECT_EQ(payloads(late), " 4 5");
}

TEST_F(FanOut, WhoJoinsWhileATopicIsFlushedGetsWhatComesAfterEvenWithoutHistory) {
  start(1);
  rule("t").history.messages = 0;
  connect(0);
  connect(1);
  subscribe(0, "t");
  subscribe(1, "t");
  rest();
  publish("t", "1");
  EXPECT_TRUE(turn(1));
  Client& first = connect(2);
  subscribe(2, "t");
  publish("t", "2");
  Client& second = connect(3);
  subscribe(3, "t");
  publish("t", "3");
  rest();
  EXPECT_EQ(payloads(first), " 2 3");
  EXPECT_EQ(payloads(second), " 3");
}

TEST_F(FanOut, WhoJoinsATopicThatIsNeverFlushedToItsEndIsServed) {
  start(1);
  rule("t");
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    connect(slot);
    subscribe(slot, "t");
  }
  rest();
  publish("t", "1");
  turn(1);
  Client& late = connect(4);
  subscribe(4, "t");
  // Every turn ends in the middle of a walk, with more to come.
  std::string expected;
  for (int i = 2; i < 20; ++i) {
    publish("t", std::to_string(i));
    expected += " " + std::to_string(i);
    EXPECT_TRUE(turn(2));
  }
  EXPECT_FALSE(payloads(late).empty());
  rest();
  EXPECT_EQ(payloads(late), expected);
}

TEST_F(FanOut, MembersWithAStreamAreNeverSentToTogetherWithThoseThatHaveASocket) {
  start(1);
  rule("t");
  for (std::uint32_t slot = 0; slot < 6; ++slot) {
    connect(slot, 0, Reader::kPerfect, slot % 2 == 1);
    subscribe(slot, "t");
  }
  rest();
  publish("t", "1");
  EXPECT_TRUE(turn(1));
  for (const std::uint32_t slot : {1U, 2U}) {
    at(0).unsubscribe(slot, "t");
  }
  rest();
  publish("t", "2");
  rest();
  for (const std::uint32_t slot : {0U, 3U, 4U, 5U}) {
    EXPECT_EQ(payloads(*at(0).client(slot)), " 1 2") << slot;
  }
  for (const std::uint32_t slot : {1U, 2U}) {
    EXPECT_EQ(payloads(*at(0).client(slot)), " 1") << slot;
  }
}

TEST_F(FanOut, WhatAStreamKeepsForItsSocketGoesOutBeforeWhatIsPublishedNext) {
  start(1);
  rule("t");
  Client& client = connect(0, 0, Reader::kFlaky, true);
  subscribe(0, "t");
  at(0).set_calm(true);
  rest();
  at(0).set_calm(false);
  // Until the socket refuses some of a message and the stream has kept all that was left of it.
  std::string expected;
  for (int i = 1; client.unsent.empty() || client.cut; ++i) {
    at(0).unblock(0);
    publish("t", std::to_string(i));
    expected += " " + std::to_string(i);
    turn(kAll);
    ASSERT_FALSE(client.is_dead);
    ASSERT_LT(i, 1000);
  }
  EXPECT_TRUE(client.is_full);
  publish("t", "x");
  turn(kAll);
  EXPECT_EQ(payloads(client).find('x'), std::string::npos);
  at(0).set_calm(true);
  at(0).unblock(0);
  rest();
  EXPECT_EQ(payloads(client), expected + " x");
}

TEST_F(FanOut, ATopicWithMoreThanATurnCanSendDoesNotHoldUpTheOthers) {
  start(1);
  rule("hot");
  rule("calm");
  for (std::uint32_t slot = 0; slot < 6; ++slot) {
    connect(slot);
    subscribe(slot, "hot");
  }
  Client& quiet = connect(7);
  subscribe(7, "calm");
  rest();
  publish("hot", "0");
  publish("calm", "hello");
  for (int i = 1; i < 10; ++i) {
    publish("hot", std::to_string(i));
    EXPECT_TRUE(turn(2));
  }
  EXPECT_EQ(payloads(quiet), " hello");
}

TEST_F(FanOut, WhatGoesThroughAStreamCountsByItsBytes) {
  start(1);
  rule("t");
  for (std::uint32_t slot = 0; slot < 6; ++slot) {
    connect(slot, 0, Reader::kPerfect, true);
    subscribe(slot, "t");
  }
  rest();
  const auto served = [this](const std::string& payload) {
    int clients = 0;
    for (std::uint32_t slot = 0; slot < 6; ++slot) {
      clients += payloads(*at(0).client(slot)).ends_with(payload) ? 1 : 0;
    }
    return clients;
  };
  publish("t", "small");
  EXPECT_TRUE(turn(4));
  EXPECT_EQ(served("small"), 4);
  rest();
  const std::string large(4096, 'x');
  publish("t", large);
  EXPECT_TRUE(turn(40));  // 17 or 18 each: the last one goes out whatever it costs
  EXPECT_EQ(served(large), 3);
  EXPECT_TRUE(turn(1));
  EXPECT_EQ(served(large), 4);
  rest();
  EXPECT_EQ(served(large), 6);
}

TEST_F(FanOut, EachFormIsWalkedAndOneThatIsDoneIsNotSentTwice) {
  start(1);
  rule("t");
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    connect(slot);
    subscribe(slot, "t", 0, {.form = slot % 2 == 0 ? WireForm::kRaw : WireForm::kWspushV1});
  }
  rest();
  publish("t", "1");
  publish("t", "2");
  while (turn(1)) {
  }
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    EXPECT_EQ(payloads(*at(0).client(slot)), " 1 2") << slot;
  }
}

TEST_F(FanOut, ABatchIsSentWhenItIsDueAndTogether) {
  start(1);
  rule("t").batch = std::chrono::milliseconds(50);
  Client& client = connect(0);
  subscribe(0, "t");
  rest();
  publish("t", "1");
  EXPECT_EQ(hub().next_flush(), now_ + std::chrono::milliseconds(50));
  now_ += std::chrono::milliseconds(49);
  publish("t", "2");
  EXPECT_FALSE(turn(kAll));
  EXPECT_EQ(payloads(client), "");
  now_ += std::chrono::milliseconds(1);
  EXPECT_FALSE(turn(kAll));
  EXPECT_EQ(payloads(client), " 1 2");
  EXPECT_EQ(hub().next_flush(), TimePoint::max());
}

TEST_F(FanOut, ABurstIsSentBeforeItOutgrowsItsBoundAndLosesNothing) {
  start(1);
  rule("t").history.messages = 1;
  Client& client = connect(0);
  subscribe(0, "t");
  rest();
  std::string expected;
  for (std::uint64_t i = 0; i < 2 * Hub::kUnflushedMessagesMax + 1; ++i) {
    publish("t", std::to_string(i));
    expected += " " + std::to_string(i);
  }
  rest();
  EXPECT_EQ(payloads(client), expected);
}

class SlowReader : public HubRig {
 protected:
  /// A client whose socket takes nothing while four messages pass; the log keeps two.
  Client& fall_behind(config::WhenSlow when_slow, Mode mode = Mode::kAll) {
    start(1);
    rule("t").history.messages = 2;
    rule("t").when_slow = when_slow;
    Client& client = connect(0);
    subscribe(0, "t", 0, {.mode = mode});
    rest();
    client.reader = Reader::kFlaky;
    client.is_full = true;
    for (int i = 1; i <= 4; ++i) {
      publish("t", std::to_string(i));
      turn(kAll);
    }
    client.reader = Reader::kPerfect;
    at(0).unblock(0);
    rest();
    return client;
  }
};

TEST_F(SlowReader, IsToldOfTheGapAndGoesOnWithTheOldestThatIsKept) {
  const Client& client = fall_behind(config::WhenSlow::kGap);
  EXPECT_EQ(payloads(client), " G 3 4");
  EXPECT_EQ(hub().counters().gaps, 1U);
}

TEST_F(SlowReader, IsClosedWhereTheRuleSaysSo) {
  EXPECT_EQ(payloads(fall_behind(config::WhenSlow::kDisconnect)), " X");
  EXPECT_EQ(hub().subscription_count(), 0U);
}

TEST_F(SlowReader, IsServedEachOfItsTopicsInTurn) {
  start(1);
  for (const char* topic : {"busy", "calm", "quiet"}) {
    rule(topic).history.messages = 100;
  }
  Client& client = connect(0);
  for (const char* topic : {"calm", "quiet", "busy"}) {
    subscribe(0, topic);
  }
  rest();
  client.reader = Reader::kFlaky;
  client.is_full = true;
  publish("calm", "calm");
  publish("quiet", "quiet");
  rest();
  publish("busy", "busy");
  publish("busy", "busy");
  rest();
  // The busy one comes first and would fill every batch, as more of it comes meanwhile.
  std::string seen;
  FrameBatch batch;
  for (int i = 0; i < 4; ++i) {
    publish("busy", "busy");
    batch.clear();
    hub().gather(0, 1, batch);
    ASSERT_EQ(batch.entries.size(), 1U);
    seen += " " + std::string(batch.entries[0].frame.message().payload());
    hub().advance(0, batch, batch.bytes);
  }
  EXPECT_NE(seen.find("calm"), std::string::npos) << seen;
  EXPECT_NE(seen.find("quiet"), std::string::npos) << seen;
}

TEST_F(SlowReader, SkipsToTheNewestWhereTheRuleSaysSo) {
  EXPECT_EQ(payloads(fall_behind(config::WhenSlow::kLatest)), " 4");
}

TEST_F(SlowReader, SkipsToTheNewestWhereItAskedForThat) {
  EXPECT_EQ(payloads(fall_behind(config::WhenSlow::kGap, Mode::kLatest)), " 4");
  EXPECT_EQ(hub().counters().gaps, 0U);
}

}  // namespace
}  // namespace wspush::hub::test
