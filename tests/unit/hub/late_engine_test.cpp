// The hub over an engine that answers in a later turn, as those do that write to a disk or ask a
// broker.
#include "unit/hub/late_engine.hpp"

#include <map>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "hub/hub.hpp"
#include "unit/failing_allocations.hpp"
#include "unit/hub/hub_world.hpp"

namespace wspush::hub {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class LateEngineTest : public ::testing::Test,
                       public Post,
                       public MemberSender,
                       public SubscriberEvents {
 protected:
  LateEngineTest() {
    rules_.rules["t"] = {.match = "t", .history = {.messages = 3, .ttl = minutes(5)}};
    hub_.set_now(now_);
    hub_.set_rules(rules_);
  }

  // Post, MemberSender, SubscriberEvents
  void send(std::uint16_t /*reactor*/, HubMail /*mail*/) override { FAIL() << "one reactor"; }
  void send(std::span<const Member> /*members*/, std::span<const iovec> /*parts*/,
            std::size_t /*bytes*/, std::vector<ShortSend>& /*fell_short*/) override {}
  void on_reply(const ReplyTo& to, Reply&& reply) override {
    replies_[to.item].push_back(std::move(reply));
  }
  bool on_gap(std::uint32_t, WireForm, const Gap&) override { return true; }
  void on_too_slow(std::uint32_t) override {}
  void on_behind(std::uint32_t) override {}
  void on_leaving(std::uint32_t) override {}
  void on_cut(std::uint32_t, const MessageRef&, WireForm, std::size_t) override {}
  void on_send_error(std::uint32_t, int) override {}
  void on_withdrawn(std::uint32_t, WireForm, ByteView) override {}

  static ReplyTo to(std::uint32_t item) { return {.connection = 1, .item = item}; }
  void publish(const std::string& payload, std::uint32_t item, const std::string& key = {}) {
    hub_.publish("t", Message::create(PayloadKind::kText, payload), key, to(item));
  }
  /// The one reply to `item`, so far.
  template <typename T>
  const T& reply(std::uint32_t item) {
    EXPECT_EQ(replies_[item].size(), 1U);
    return std::get<T>(replies_[item].at(0));
  }
  void keep(std::uint64_t count, Duration age) {
    for (std::uint64_t i = 1; i <= count; ++i) {
      MessageRef message = Message::create(PayloadKind::kText, std::to_string(i));
      message->stamp({9, i}, now_ - age);
      engine_.kept["t"].push_back(std::move(message));
    }
  }
  void sweep_all() {
    for (int i = 0; i < 101; ++i) {
      hub_.sweep();
    }
  }

  const std::string name_ = "t";
  TimePoint now_{std::chrono::hours(1)};
  test::FakeRules rules_;
  HubShared shared_{.topic_key = {1, 2}};
  test::LateEngine engine_;
  std::map<std::uint32_t, std::vector<Reply>> replies_;
  Hub hub_{HubOptions{}, shared_, engine_, *this, *this, *this};
};

TEST_F(LateEngineTest, HistoryAndViewsWaitForTheLog) {
  keep(3, seconds(1));
  hub_.history("t", {.kind = After::Kind::kFirst, .id = {}}, 100, to(1));
  hub_.view("t", to(2));
  EXPECT_TRUE(replies_.empty());
  engine_.answer_all();
  EXPECT_EQ(reply<HistoryReply>(1).messages.size(), 3U);
  EXPECT_EQ(reply<HistoryReply>(1).last, (MessageId{9, 3}));
  EXPECT_EQ(reply<TopicView>(2).messages, 3U);
}

TEST_F(LateEngineTest, TooManyWhoWaitForOneLogAreSentAway) {
  for (std::uint32_t item = 1; item <= 1025; ++item) {
    hub_.view("t", to(item));
  }
  EXPECT_EQ(reply<HubError>(1025), HubError::kUnavailable);
  engine_.answer_all();
  EXPECT_EQ(reply<TopicView>(1024).messages, 0U);
}

TEST_F(LateEngineTest, WhatTheEngineKeptIsCutToTheRuleOfNow) {
  keep(5, seconds(1));
  hub_.view("t", to(1));
  engine_.answer_all();
  EXPECT_EQ(reply<TopicView>(1).messages, 3U);
  EXPECT_EQ(reply<TopicView>(1).last, (MessageId{9, 5}));
}

TEST_F(LateEngineTest, WhatTheEngineKeptTooLongIsNotShown) {
  keep(3, minutes(6));
  hub_.view("t", to(1));
  engine_.answer_all();
  EXPECT_EQ(reply<TopicView>(1).messages, 0U);
}

TEST_F(LateEngineTest, ATopicThatWasFoundIsOpenedByItsHome) {
  keep(2, seconds(1));
  hub_.on_found("t");
  engine_.answer_all();
  EXPECT_EQ(hub_.home_topic_count(), 1U);
  hub_.view("t", to(1));
  EXPECT_EQ(reply<TopicView>(1).messages, 2U);
}

TEST_F(LateEngineTest, TheEngineIsToldWhatIsNoLongerKept) {
  for (std::uint32_t item = 1; item <= 5; ++item) {
    publish("x", item);
    engine_.answer_all();
  }
  EXPECT_EQ(engine_.first_offsets, (std::vector<std::uint64_t>{1, 1, 1, 1, 2}));
}

TEST_F(LateEngineTest, ATopicStaysWhileSomethingOfItIsOnTheWay) {
  hub_.view("t", to(1));
  engine_.answer_all();
  publish("x", 2);
  now_ += minutes(1);
  hub_.set_now(now_);
  sweep_all();
  EXPECT_TRUE(engine_.closed.empty());
  engine_.answer_all();
  EXPECT_EQ(reply<PublishedReply>(2).id, (MessageId{9, 1}));
  now_ += minutes(6);
  hub_.set_now(now_);
  sweep_all();
  EXPECT_EQ(engine_.closed, std::vector<std::string>{"t"});
}

TEST_F(LateEngineTest, AClearThatIsRefusedSaysSo) {
  hub_.clear("t", to(1));
  engine_.answer_all();
  EXPECT_EQ(reply<HubError>(1), HubError::kUnavailable);
}

TEST_F(LateEngineTest, ARepeatedKeyWaitsForTheFirstAndGetsItsId) {
  publish("x", 1, "key");
  publish("x", 2, "key");
  publish("other", 3, "other key");
  EXPECT_TRUE(replies_.empty());
  engine_.answer_all();
  EXPECT_EQ(reply<PublishedReply>(1).id, (MessageId{9, 1}));
  EXPECT_EQ(reply<PublishedReply>(2).id, (MessageId{9, 1}));
  EXPECT_EQ(reply<PublishedReply>(3).id, (MessageId{9, 2}));
  publish("x", 4, "key");
  EXPECT_EQ(reply<PublishedReply>(4).id, (MessageId{9, 1}));
}

TEST_F(LateEngineTest, ARepeatedKeyIsRefusedWithTheFirstAndMayBeTriedAgain) {
  engine_.is_refusing = true;
  publish("x", 1, "key");
  publish("x", 2, "key");
  engine_.answer_all();
  EXPECT_EQ(reply<HubError>(1), HubError::kUnavailable);
  EXPECT_EQ(reply<HubError>(2), HubError::kUnavailable);
  engine_.is_refusing = false;
  publish("x", 3, "key");
  engine_.answer_all();
  EXPECT_EQ(reply<PublishedReply>(3).id, (MessageId{9, 1}));
}

TEST_F(LateEngineTest, TooManyRepetitionsOfOneKeyAreSentAway) {
  for (std::uint32_t item = 0; item <= 1025; ++item) {
    publish("x", item, "key");
  }
  EXPECT_EQ(reply<HubError>(1025), HubError::kUnavailable);
  engine_.answer_all();
  EXPECT_EQ(reply<PublishedReply>(1024).id, (MessageId{9, 1}));
}

TEST_F(LateEngineTest, ATopicThatCouldNotBeOpenedIsOpenedForTheNextCommand) {
  keep(2, seconds(1));
  engine_.is_failing_to_open = true;
  hub_.view("t", to(1));
  publish("x", 2);
  engine_.is_refusing = true;
  engine_.answer_all();
  EXPECT_EQ(reply<HubError>(2), HubError::kUnavailable);
  EXPECT_EQ(replies_.count(1), 0U);
  engine_.is_failing_to_open = engine_.is_refusing = false;
  publish("x", 3);
  engine_.answer_all();
  EXPECT_EQ(reply<PublishedReply>(3).id, (MessageId{9, 3}));
  EXPECT_EQ(reply<TopicView>(1).messages, 2U) << "it had waited, too";
}

TEST_F(LateEngineTest, ATopicThatCouldNotBeOpenedIsOpenedWhileOthersAreOnTheWay) {
  keep(2, seconds(1));
  engine_.is_failing_to_open = engine_.is_refusing = true;
  publish("x", 1);
  publish("x", 2);
  engine_.answer_one();  // It is not opened.
  engine_.answer_one();
  engine_.is_failing_to_open = false;
  publish("x", 3);
  engine_.answer_one();  // Only now the second one is no longer on its way.
  engine_.is_refusing = false;
  engine_.answer_all();
  EXPECT_EQ(reply<PublishedReply>(3).id, (MessageId{9, 3})) << "behind two that were kept";
}

TEST_F(LateEngineTest, ATopicThatCouldNotBeOpenedIsOpenedByTheSweep) {
  keep(2, seconds(1));
  engine_.is_failing_to_open = true;
  hub_.history("t", {}, 100, to(1));
  ASSERT_FALSE(hub_.prepare({&name_, 1}, false, to(2)));
  engine_.answer_all();
  sweep_all();
  EXPECT_EQ(reply<HubError>(1), HubError::kUnavailable) << "it need not wait for the next try";
  engine_.answer_all();
  EXPECT_EQ(replies_.count(2), 0U);
  engine_.is_failing_to_open = false;
  sweep_all();
  engine_.answer_all();
  EXPECT_TRUE(std::holds_alternative<PreparedReply>(replies_.at(2).at(0)));
  EXPECT_TRUE(hub_.subscribe({.fd = 5, .slot = 0}, "t", {}).has_value());
}

TEST_F(LateEngineTest, OfWhatTheEngineKeptTheNewestAreThereWhereMemoryRunsOut) {
  rules_.rules["t"].history.messages = 100;
  keep(20, seconds(1));
  int incomplete = 0;
  bool has_failed = true;
  for (std::uint64_t nth = 1; has_failed; ++nth) {
    SCOPED_TRACE(nth);
    HubShared shared{.topic_key = {1, 2}};
    test::LateEngine engine;
    engine.kept = engine_.kept;
    Hub hub(HubOptions{}, shared, engine, *this, *this, *this);
    hub.set_now(now_);
    hub.set_rules(rules_);
    replies_.clear();
    hub.view("t", to(1));
    hub.history("t", {.kind = After::Kind::kId, .id = {9, 3}}, 100, to(2));
    {
      const wspush::test::FailingAllocation failing(nth);
      try {
        engine.answer_all();
      } catch (const std::bad_alloc&) {
      }
      has_failed = failing.has_failed();
    }
    hub.history("t", {.kind = After::Kind::kId, .id = {9, 3}}, 100, to(3));
    engine.answer_all();  // Where the engine itself had no memory it is asked again.
    EXPECT_EQ(replies_[1].size() + replies_[2].size(), 2U) << "both had waited";
    const auto& history = reply<HistoryReply>(3);
    EXPECT_EQ(history.last, (MessageId{9, 20}));
    if (history.messages.size() != 17) {
      ++incomplete;
      EXPECT_TRUE(history.gap);
      EXPECT_TRUE(history.messages.empty() || history.messages.back()->id().offset == 20);
    }
  }
  EXPECT_GT(incomplete, 0);
}

}  // namespace
}  // namespace wspush::hub
