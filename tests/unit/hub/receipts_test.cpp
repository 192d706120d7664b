#include "unit/hub/hub_rig.hpp"

namespace wspush::hub::test {
namespace {

using std::chrono::milliseconds;

/// Receipts with one reactor and with two; the publisher is always at the first.
class Receipts : public HubRig, public testing::WithParamInterface<std::uint16_t> {
 protected:
  void SetUp() override {
    start(GetParam());
    last_ = GetParam() - std::size_t{1};
    topic_ = topic_at(last_);
  }
  /// Returns the number of its answer.
  std::size_t ask(const std::string& payload, const std::string& key = {}) {
    const std::size_t item = answers_.size();
    answers_.emplace_back(GatheredReply{});
    ReplyTo to = at(0).reply_to(static_cast<std::uint32_t>(item));
    to.wants_receipt = true;
    hub(0).publish(topic_, Message::create(PayloadKind::kText, payload, {}), key, to);
    return item;
  }
  bool is_answered(std::size_t item) {
    return !std::holds_alternative<GatheredReply>(answers_[item]);
  }
  std::uint64_t written(std::size_t item) { return answer<PublishedReply>(item).written; }

  std::string topic_;
  std::size_t last_ = 0;  ///< the reactor that is the topic's home
};

INSTANTIATE_TEST_SUITE_P(, Receipts, testing::Values(1, 2),
                         [](const auto& each) { return std::to_string(each.param); });

TEST_P(Receipts, CountWhoTookTheMessageInEveryReactor) {
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    connect(slot, 0);
    subscribe(slot, topic_, 0);
  }
  connect(3, last_);
  subscribe(3, topic_, last_);
  rest();
  const std::size_t item = ask("x");
  rest();
  EXPECT_EQ(answer<PublishedReply>(item).subscribers, 4U);
  EXPECT_EQ(written(item), 4U);
}

TEST_P(Receipts, ComeAtOnceWhereNobodyListens) {
  const std::size_t item = ask("x");
  rest();
  EXPECT_EQ(written(item), 0U);
}

TEST_P(Receipts, AreNotGivenToWhoDoesNotAskForOne) {
  connect(0, 0);
  subscribe(0, topic_, 0);
  rest();
  ask("counted");
  publish(topic_, "not counted");
  rest();
  EXPECT_EQ(written(0), 1U);
  EXPECT_EQ(written(1), 0U);
}

TEST_P(Receipts, DoNotCountWhoseSocketIsFull) {
  connect(0, last_);
  Client& stalled = connect(1, last_, Reader::kFlaky);
  subscribe(0, topic_, last_);
  subscribe(1, topic_, last_);
  at(last_).set_calm(true);
  rest();
  at(last_).set_calm(false);
  stalled.is_full = true;
  const std::size_t item = ask("x");
  rest();
  EXPECT_EQ(answer<PublishedReply>(item).subscribers, 2U);
  EXPECT_EQ(written(item), 1U);
}

TEST_P(Receipts, CountWhoHadAReplyToWriteFirst) {
  Client& busy = connect(0, last_);
  subscribe(0, topic_, last_);
  rest();
  const std::size_t item = ask("x");
  at(last_).subscribe(0, {{topic_at(last_), {}}}, false);  // Its answer goes before the message.
  rest();
  EXPECT_EQ(payloads(busy), " x");
  EXPECT_EQ(written(item), 1U);
}

TEST_P(Receipts, CountAStreamOnlyWhenTheSocketHasItAll) {
  Client& client = connect(0, last_, Reader::kFlaky, true);
  connect(1, last_, Reader::kPerfect, true);
  subscribe(0, topic_, last_);
  subscribe(1, topic_, last_);
  at(last_).set_calm(true);
  rest();
  at(last_).set_calm(false);
  client.is_full = true;
  const std::size_t item = ask("x");
  rest();
  EXPECT_EQ(written(item), 1U);
}

TEST_P(Receipts, CountEachSubscriptionThatTheMessageCameBy) {
  for (std::size_t reactor = 0; reactor <= last_; ++reactor) {
    connect(0, reactor);
    subscribe(0, topic_, reactor);
    rest();
    subscribe(0, ">", reactor);
    connect(1, reactor);
    subscribe(1, "*", reactor);
  }
  rest();
  const std::size_t item = ask("x");
  rest();
  EXPECT_EQ(written(item), 3 * (last_ + 1));
  EXPECT_EQ(answer<PublishedReply>(item).subscribers, 3 * (last_ + 1));
}

TEST_P(Receipts, CountWhoUnsubscribesBeforeTheFanOut) {
  Client& client = connect(0, last_);
  subscribe(0, topic_, last_);
  rest();
  if (last_ == 0) {
    const std::size_t item = ask("x");
    at(0).unsubscribe(0, topic_);
    EXPECT_FALSE(is_answered(item));
    rest();
    EXPECT_EQ(payloads(client), " x");
    EXPECT_EQ(written(item), 1U) << "it has got what was published before it left";
  } else {
    const std::size_t item = ask("x");  // Still on its way to the home.
    at(last_).unsubscribe(0, topic_);
    rest();
    EXPECT_EQ(payloads(client), "");
    EXPECT_EQ(written(item), 0U);
  }
}

TEST_P(Receipts, WaitForABatchThatCollects) {
  rule(topic_).batch = milliseconds(20);
  connect(0, last_);
  subscribe(0, topic_, last_);
  rest();
  const std::size_t item = ask("x");
  rest();
  EXPECT_FALSE(is_answered(item));
  now_ += milliseconds(20);
  rest();
  EXPECT_EQ(written(item), 1U);
}

TEST_P(Receipts, WaitForAFanOutThatTakesSeveralTurns) {
  for (std::uint32_t slot = 0; slot < 4; ++slot) {
    connect(slot, last_);
    subscribe(slot, topic_, last_);
  }
  rest();
  const std::size_t item = ask("x");
  for (std::size_t reactor = 0; reactor <= last_; ++reactor) {
    turn(kAll, reactor);
  }
  if (last_ == 0) {
    EXPECT_EQ(written(item), 4U);
    const std::size_t second = ask("y");
    turn(2);
    EXPECT_FALSE(is_answered(second)) << "two of four have it";
    turn(2);
    EXPECT_EQ(written(second), 4U);
  }
  rest();
  EXPECT_EQ(written(item), 4U);
}

TEST_P(Receipts, CountWhoWantsTheLatestOnlyIfItCameToThisMessage) {
  connect(0, last_);
  subscribe(0, topic_, last_, {.mode = Mode::kLatest});
  connect(1, last_);
  subscribe(1, topic_, last_, {.mode = Mode::kRated, .interval = milliseconds(1000)});
  rest();
  const std::size_t first = ask("1");
  rest();
  const std::size_t second = ask("2");
  rest();
  EXPECT_EQ(written(first), 2U);
  EXPECT_EQ(written(second), 1U) << "the other one is not due";
}

TEST_P(Receipts, SayNothingOfARepeat) {
  connect(0, last_);
  subscribe(0, topic_, last_);
  rest();
  const std::size_t first = ask("x", "key");
  rest();
  const std::size_t second = ask("x", "key");
  rest();
  EXPECT_EQ(written(first), 1U);
  EXPECT_EQ(written(second), 0U);
  EXPECT_EQ(answer<PublishedReply>(first).id, answer<PublishedReply>(second).id);
}

TEST_P(Receipts, AreAnsweredWhereTheLogIsClearedMeanwhile) {
  connect(0, last_);
  subscribe(0, topic_, last_);
  rest();
  const std::size_t item = ask("x");
  hub(0).clear(topic_, {});
  rest();
  EXPECT_EQ(written(item), 1U) << "what was published before the end of an epoch goes out";
}

TEST_P(Receipts, AreAnsweredWhenAReplicaWasGivenBackMeanwhile) {
  if (last_ == 0) {
    return;  // There are no replicas.
  }
  connect(0, 0);
  subscribe(0, topic_, 0);
  rest();
  at(0).unsubscribe(0, topic_);
  now_ += Hub::kLinger;
  rest();
  const std::size_t item = ask("x");
  turn(kAll, 1);  // The home has ordered it; the replica goes before it comes.
  for (int i = 0; i < 101; ++i) {
    hub(0).sweep();
  }
  rest();
  EXPECT_EQ(written(item), 0U);
}

}  // namespace
}  // namespace wspush::hub::test
