#include <cstddef>

#include "unit/hub/hub_rig.hpp"

namespace wspush::hub::test {
namespace {

// What one reactor writes must not share a line with what the others read for every publish.
constexpr std::size_t kLine = 64;
static_assert(alignof(HubShared) == kLine);
static_assert(offsetof(HubShared, topics) % kLine == 0 && offsetof(HubShared, topics) >= kLine);
static_assert(offsetof(HubShared, history_bytes) >= offsetof(HubShared, topics) + kLine);
static_assert(sizeof(HubShared) >= offsetof(HubShared, history_bytes) + kLine);

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using HubTest = HubRig;

TEST_F(HubTest, ATopicAtHomeWaitsForTheSubscriptionThatItWasPreparedFor) {
  start(2);
  const std::string here = topic_at(0);
  const std::string there = topic_at(1);
  connect(0);
  at(0).subscribe(0, {{here, {}}, {there, {}}}, false);  // Waits for the other reactor.
  for (int i = 0; i < 101; ++i) {
    hub(0).sweep();
  }
  rest();
  EXPECT_TRUE(hub(0).is_subscribed(0, here));
  EXPECT_TRUE(hub(0).is_subscribed(0, there));
}

TEST_F(HubTest, AFencedSubscribeStartsBehindWhatWasPublishedBeforeIt) {
  start(2);
  const std::string topic = topic_at(1);
  // The first client brings the log here; its snapshot is on the way when the second publishes.
  connect(0);
  subscribe(0, topic);
  at(1).turn(now_, kAll, kAll);
  publish(topic, "mine", 0);
  Client& client = connect(1);
  subscribe(1, topic, 0, {}, true);
  rest();
  publish(topic, "next", 0);
  rest();
  EXPECT_EQ(payloads(client), " next");
}

TEST_F(HubTest, AFenceWaitsForCommandsToAReplicaThatIsHere) {
  start(2);
  const std::string topic = topic_at(1);
  connect(0);
  subscribe(0, topic);
  rest();
  publish(topic, "mine", 0);
  Client& client = connect(1);
  subscribe(1, topic, 0, {}, true);
  EXPECT_FALSE(hub(0).is_subscribed(1, topic));
  rest();
  EXPECT_EQ(payloads(client), "");
  EXPECT_EQ(payloads(*at(0).client(0)), " mine");
}

TEST_F(HubTest, AReplicaLingersAfterItsLastSubscriberAndIsThenGivenBack) {
  start(2);
  const std::string topic = topic_at(1);
  connect(0);
  subscribe(0, topic);
  rest();
  at(0).unsubscribe(0, topic);
  const auto sweep_all = [&] {
    for (int i = 0; i < 101; ++i) {
      hub(0).sweep();
      hub(1).sweep();
    }
    rest();
  };
  now_ += Hub::kLinger - milliseconds(1);
  rest();
  sweep_all();
  publish(topic, "kept", 1);
  EXPECT_EQ(post_->queue(1, 0).size(), 1U) << "the replica is still told";
  rest();
  now_ += milliseconds(1);
  rest();
  sweep_all();
  publish(topic, "kept too", 1);
  EXPECT_TRUE(post_->queue(1, 0).empty()) << "nobody is left to be told";
  EXPECT_EQ(shared_.topics.load(), 1U) << "its log is not empty";
}

TEST_F(HubTest, ATopicComesBackWithItsPlace) {
  start(1);
  rule("t").history.ttl = milliseconds(1000);
  publish("t", "1");
  const MessageId first = answer<PublishedReply>(0).id;
  now_ += minutes(1);
  rest();
  for (int i = 0; i < 101; ++i) {
    hub().sweep();
  }
  EXPECT_EQ(hub().home_topic_count(), 0U);
  connect(0);
  subscribe(0, "t", 0, {.after = {After::Kind::kId, first}});
  publish("t", "2");
  EXPECT_EQ(answer<PublishedReply>(1).id, (MessageId{first.epoch, 2}));
  rest();
  EXPECT_NE(at(0).client(0)->stream.find("S t " + to_string(first) + " 1 "), std::string::npos);
}

TEST_F(HubTest, PublishesGoWhereTheirNameSaysHoweverTopicsComeAndGo) {
  start(1);
  const std::string names[] = {topic_at(0), topic_at(0), topic_at(0)};
  for (const std::string& name : names) {
    rule(name).history.ttl = std::chrono::seconds(1);
  }
  std::vector<std::uint64_t> published(3);
  for (int round = 0; round < 300; ++round) {
    const std::size_t which = static_cast<std::size_t>(random_.below(3));
    const std::string& name = names[which];
    for (std::uint64_t count = 1 + random_.below(3); count > 0; --count) {
      const std::size_t item = answers_.size();
      publish(name, "x");
      ++published[which];
      // The engine knows a topic's place also after the hub has let it go.
      EXPECT_EQ(answer<PublishedReply>(item).id.offset, published[which]);
    }
    if (random_.below(4) == 0) {
      now_ += std::chrono::seconds(10);
      for (int sweep = 0; sweep < 110; ++sweep) {
        hub().set_now(now_);
        hub().sweep();
      }
      EXPECT_EQ(hub().home_topic_count(), 0U);
    }
  }
}

TEST_F(HubTest, PastTheLimitOfTopicsNothingIsOpenedAnywhere) {
  start(2);
  const std::string a = topic_at(0);
  const std::string b = topic_at(1);
  const std::string c = topic_at(1);
  for (std::size_t i = 0; i < 2; ++i) {
    hub(i).set_limits({.topics = 2});
  }
  publish(a, "1", 0);
  publish(b, "1", 1);
  publish(c, "1", 1);
  EXPECT_EQ(answer<HubError>(2), HubError::kTopicLimit);
  // From afar: refused with an answer, and nothing stays.
  connect(0);
  subscribe(0, c);
  rest();
  EXPECT_FALSE(hub(0).is_subscribed(0, c));
  EXPECT_FALSE(at(0).client(0)->is_preparing);
  EXPECT_EQ(shared_.topics.load(), 2U);
  const auto refused = hub(0).subscribe({1, 0}, c, {});
  EXPECT_EQ(refused.error(), HubError::kTopicLimit);
}

TEST_F(HubTest, SubscriptionsOfAConnectionAreBoundedAndUnique) {
  start(1);
  const SubscribeOptions two{.after = {}, .subscriptions_max = 2};
  for (const char* name : {"a", "b", "c"}) {
    rule(name);
    const std::string topic = name;
    EXPECT_TRUE(hub().prepare({&topic, 1}, false, {}));
  }
  EXPECT_TRUE(hub().subscribe({9, 0}, "a", two));
  EXPECT_EQ(hub().subscribe({9, 0}, "a", two).error(), HubError::kAlreadySubscribed);
  EXPECT_TRUE(hub().subscribe({9, 0}, "b", two));
  EXPECT_EQ(hub().subscribe({9, 0}, "c", two).error(), HubError::kSubscriptionLimit);
  EXPECT_EQ(hub().subscriptions_of(0), 2U);
  EXPECT_EQ(hub().unsubscribe(0, "c").error(), HubError::kNotSubscribed);
  EXPECT_TRUE(hub().unsubscribe(0, "a"));
  EXPECT_TRUE(hub().subscribe({9, 0}, "c", two));
}

TEST_F(HubTest, AnIdempotencyKeyIsGoodForFiveMinutesAndOneTopic) {
  start(2);
  const std::string topic = topic_at(1);
  const std::string other = topic_at(1);
  publish(topic, "1", 0, "k");
  rest();
  publish(topic, "2", 1, "k");
  rest();
  publish(other, "3", 1, "k");
  rest();
  EXPECT_EQ(answer<PublishedReply>(1).id, answer<PublishedReply>(0).id);
  EXPECT_EQ(record_.find(other, answer<PublishedReply>(2).id)->payload, "3");
  now_ += minutes(5) - milliseconds(1);
  rest();
  publish(topic, "4", 0, "k");
  rest();
  EXPECT_EQ(answer<PublishedReply>(3).id, answer<PublishedReply>(0).id);
  now_ += milliseconds(1);
  rest();
  publish(topic, "5", 0, "k");
  rest();
  EXPECT_EQ(answer<PublishedReply>(4).id.offset, 2U);
}

TEST_F(HubTest, AClearedLogIsANewEpochAndEverySubscriberIsTold) {
  start(2);
  const std::string topic = topic_at(1);
  Client& far = connect(0, 0);
  Client& near = connect(0, 1);
  subscribe(0, topic, 0);
  subscribe(0, topic, 1);
  rest();
  publish(topic, "1");
  hub(0).clear(topic, at(0).reply_to(1));
  publish(topic, "2");
  rest();
  EXPECT_TRUE(std::holds_alternative<ClearedReply>(answers_.at(1)));
  for (const Client* client : {&far, &near}) {
    EXPECT_EQ(payloads(*client), " 1 G 2");
  }
  const MessageId after = record_.last.at(topic);
  EXPECT_EQ(after.offset, 1U);
}

TEST_F(HubTest, ASubscriptionRecoversFromTheIdsThatTheLogReachesBackTo) {
  start(1);
  rule("t").history.messages = 2;
  for (int i = 1; i <= 5; ++i) {
    publish("t", std::to_string(i));
  }
  const std::uint32_t epoch = record_.last.at("t").epoch;
  const struct {
    MessageId after;
    bool is_recovered;
    const char* payloads;
  } kRows[] = {
      {{epoch, 0}, false, " 4 5"},     {{epoch, 2}, false, " 4 5"},
      {{epoch, 3}, true, " 4 5"},      {{epoch, 4}, true, " 5"},
      {{epoch, 5}, true, ""},          {{epoch, 6}, false, " 4 5"},
      {{epoch + 1, 4}, false, " 4 5"}, {{epoch, UINT64_MAX}, false, " 4 5"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(to_string(row.after));
    const Client& client = connect(0);
    const std::string topic = "t";
    ASSERT_TRUE(hub().prepare({&topic, 1}, false, {}));
    const auto answer_now =
        hub().subscribe({client.fd, 0}, "t", {.after = {After::Kind::kId, row.after}});
    ASSERT_TRUE(answer_now);
    EXPECT_EQ(answer_now->recovered, row.is_recovered);
    EXPECT_EQ(answer_now->last, (MessageId{epoch, 5}));
    FrameBatch batch;
    hub().gather(0, 100'000, batch);
    std::string found;
    for (const FrameBatch::Entry& entry : batch.entries) {
      found += " " + std::string(entry.frame.message().payload());
    }
    EXPECT_EQ(found, row.payloads);
    EXPECT_EQ(hub().counters().gaps, 0U);
    hub().remove_subscriber(0);
  }
}

TEST_F(HubTest, HistoryIsClippedAtItsMessagesAndItsBytes) {
  start(1);
  rule("t").history = {.messages = 1000, .bytes = 100 << 20};
  for (int i = 0; i < 302; ++i) {
    publish("t", std::to_string(i));
  }
  hub().history("t", {}, 1'000'000, at(0).reply_to(500));
  const HistoryReply& newest = answer<HistoryReply>(500);
  ASSERT_EQ(newest.messages.size(), kHistoryMessagesMax);
  EXPECT_EQ(newest.messages.front()->payload(), "2");
  EXPECT_EQ(newest.messages.back()->payload(), "301");
  rule("big").history = {.messages = 1000, .bytes = 100 << 20};
  for (int i = 0; i < 5; ++i) {
    publish("big", std::string(600 * 1024, 'x'));
  }
  hub().history("big", {.kind = After::Kind::kFirst, .id = {}}, 10, at(0).reply_to(501));
  EXPECT_EQ(answer<HistoryReply>(501).messages.size(), 1U);
}

TEST_F(HubTest, WhatAllLogsTakeIsBoundedAndTheOldestGoFirst) {
  start(1);
  rule("old");
  rule("new");
  publish("old", "o1");
  const std::size_t one = record_.logs.begin()->second[0].bytes;
  hub().set_limits({.history_bytes = 3 * one});
  now_ += seconds(1);
  rest();
  publish("new", "n1");
  publish("new", "n2");
  publish("new", "n3");
  hub().view("old", at(0).reply_to(10));
  hub().view("new", at(0).reply_to(11));
  EXPECT_EQ(answer<TopicView>(10).messages, 0U);
  EXPECT_EQ(answer<TopicView>(11).messages, 3U);
  EXPECT_EQ(hub().counters().history_limit_hits, 1U);
}

TEST_F(HubTest, OneTopicMayFillTheBoundOfAllLogsWhereverItsHomeIs) {
  start(3);
  const std::string topic = topic_at(1);
  publish(topic, "0", 1);
  const std::size_t one = record_.logs.begin()->second[0].bytes;
  for (std::size_t reactor = 0; reactor < 3; ++reactor) {
    hub(reactor).set_limits({.history_bytes = 30 * one});
  }
  for (int i = 1; i < 60; ++i) {
    publish(topic, "m", 1);
  }
  hub(1).view(topic, at(1).reply_to(100));
  EXPECT_EQ(answer<TopicView>(100).messages, 30U);
  // Another one comes: who keeps more than a share gives way, at its next look.
  const std::string other = topic_at(2);
  for (int i = 0; i < 10; ++i) {
    publish(other, "m", 2);
  }
  hub(1).sweep();
  hub(1).view(topic, at(1).reply_to(101));
  hub(2).view(other, at(2).reply_to(102));
  EXPECT_EQ(answer<TopicView>(101).messages, 20U);
  EXPECT_EQ(answer<TopicView>(102).messages, 10U);
}

TEST_F(HubTest, AViewCountsTheSubscribersOfAllReactors) {
  start(3);
  const std::string topic = topic_at(2);
  for (std::size_t reactor = 0; reactor < 3; ++reactor) {
    connect(0, reactor);
    subscribe(0, topic, reactor);
  }
  connect(1, 0);
  subscribe(1, topic, 0);
  rest();
  hub(1).view(topic, at(1).reply_to(0));
  rest();
  EXPECT_EQ(answer<TopicView>(0).subscribers, 4U);
  at(0).disconnect(0);
  rest();
  hub(1).view(topic, at(1).reply_to(1));
  rest();
  EXPECT_EQ(answer<TopicView>(1).subscribers, 3U);
}

TEST_F(HubTest, ARightThatIsWithdrawnEndsSubscriptionsAtOnce) {
  start(1);
  rule("t");
  rule("u");
  Client& client = connect(0);
  subscribe(0, "t");
  subscribe(0, "u");
  rest();
  FakeRules next = rules_;
  next.is_withdrawn["t"] = true;
  hub().set_rules(next);
  publish("t", "1");
  publish("u", "2");
  rest();
  EXPECT_EQ(payloads(client), " 2");
  EXPECT_NE(client.stream.find("W t\n"), std::string::npos);
  next.rules.erase("u");
  hub().set_rules(next);
  publish("u", "3");
  EXPECT_EQ(answer<HubError>(2), HubError::kForbidden);
  EXPECT_EQ(hub().subscription_count(), 0U);
  hub().set_rules(rules_);
}

}  // namespace
}  // namespace wspush::hub::test
