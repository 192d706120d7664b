#include "engine/disk_log.hpp"

#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/engine/fake_store.hpp"
#include "unit/failing_allocations.hpp"

namespace wspush::engine {
namespace {

using hub::Message;
using hub::MessageId;
using hub::MessageRef;
using hub::PayloadKind;
using test::FakeClock;
using test::FakeStore;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A topic as its home knows it after an answer.
struct Opened {
  std::uint32_t epoch = 0;
  std::uint64_t last = 0;
  std::vector<MessageRef> kept;

  std::vector<std::string> payloads() const {
    std::vector<std::string> out;
    for (const MessageRef& message : kept) {
      out.emplace_back(message->payload());
    }
    return out;
  }
};

class DiskLogTest : public ::testing::Test {
 protected:
  DiskLogTest() { begin({}); }

  void begin(DiskLog::Options options) {
    options.seed = ++lives_;
    log_ = std::make_unique<DiskLog>(store_, clock_, options);
    ASSERT_TRUE(log_->start());
  }
  void restart(const DiskLog::Options& options = {}) {
    store_.restart();
    positions_.clear();
    begin(options);
  }

  DiskRequest request(DiskRequest::Kind kind, const std::string& topic) {
    auto& position = positions_[topic];
    if (kind == DiskRequest::Kind::kOpen) {
      position = std::make_unique<TopicPosition>();
    }
    DiskRequest request;
    request.kind = kind;
    request.position = position.get();
    request.epoch = position->epoch;
    request.first = position->first_offset;
    request.now = clock_.now;
    return request;
  }
  void ask_open(const std::string& topic) {
    asked_.push_back(request(DiskRequest::Kind::kOpen, topic));
    asked_.back().name = topic;
  }
  void ask_publish(const std::string& topic, const std::string& payload, Ticket ticket = 0,
                   const std::string& idempotency_key = {}) {
    asked_.push_back(request(DiskRequest::Kind::kPublish, topic));
    asked_.back().name = idempotency_key;
    asked_.back().message = Message::create(PayloadKind::kText, payload);
    asked_.back().weight = 1;
    asked_.back().ticket = ticket;
  }
  void ask_clear(const std::string& topic, Ticket ticket = 0) {
    asked_.push_back(request(DiskRequest::Kind::kClear, topic));
    asked_.back().ticket = ticket;
  }
  void ask_close(const std::string& topic) {
    asked_.push_back(request(DiskRequest::Kind::kClose, topic));
  }
  DiskAnswers carry_out() {
    std::vector<DiskAnswers> answers(1);
    log_->carry_out(asked_, answers);
    asked_.clear();
    return std::move(answers[0]);
  }

  Opened open(const std::string& topic) {
    ask_open(topic);
    DiskAnswers answers = carry_out();
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].kind, DiskAnswer::Kind::kOpened);
    positions_[topic]->epoch = answers[0].epoch;
    return {answers[0].epoch, answers[0].last, std::move(answers[0].kept)};
  }
  /// Nothing: it was refused.
  std::optional<MessageId> publish(const std::string& topic, const std::string& payload,
                                   const std::string& idempotency_key = {}) {
    ask_publish(topic, payload, 0, idempotency_key);
    const DiskAnswers answers = carry_out();
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].weight, 1U);
    return answers[0].kind == DiskAnswer::Kind::kOrdered
               ? std::optional<MessageId>(answers[0].message->id())
               : std::nullopt;
  }
  void clear(const std::string& topic) {
    ask_clear(topic);
    const DiskAnswers answers = carry_out();
    ASSERT_EQ(answers[0].kind, DiskAnswer::Kind::kCleared);
    positions_[topic]->epoch = answers[0].epoch;
  }
  void close(const std::string& topic) {
    ask_close(topic);
    carry_out();
  }
  void recover_after(std::chrono::milliseconds time) {
    store_.failure = FakeStore::Failure::kNone;
    clock_.advance(time);
    log_->retry(clock_.now);
  }

  FakeStore store_;
  FakeClock clock_;
  std::uint64_t lives_ = 0;
  std::unique_ptr<DiskLog> log_;
  std::vector<DiskRequest> asked_;
  std::map<std::string, std::unique_ptr<TopicPosition>> positions_;
};

TEST_F(DiskLogTest, HasEverythingAfterARestart) {
  const std::uint32_t epoch = open("a").epoch;
  ask_publish("a", "one");
  asked_.push_back(request(DiskRequest::Kind::kPublish, "a"));
  asked_.back().message = Message::create(PayloadKind::kJson, "{\"n\":2}", "the key");
  carry_out();
  restart();
  const Opened again = open("a");
  EXPECT_EQ(again.epoch, epoch);
  EXPECT_EQ(again.last, 2U);
  ASSERT_THAT(again.payloads(), ElementsAre("one", "{\"n\":2}"));
  EXPECT_EQ(again.kept[0]->kind(), PayloadKind::kText);
  EXPECT_EQ(again.kept[0]->key(), "");
  EXPECT_EQ(again.kept[0]->id(), (MessageId{epoch, 1}));
  EXPECT_EQ(again.kept[1]->kind(), PayloadKind::kJson);
  EXPECT_EQ(again.kept[1]->key(), "the key");
  EXPECT_EQ(publish("a", "three"), (MessageId{epoch, 3}));
}

TEST_F(DiskLogTest, MessagesKeepTheirAgeOverARestart) {
  open("a");
  publish("a", "old");
  clock_.advance(std::chrono::seconds(70));
  publish("a", "new");
  // Another boot: the monotonic clock begins anew, two minutes pass without us.
  clock_.now = TimePoint(std::chrono::seconds(5));
  clock_.wall_now += std::chrono::seconds(120);
  restart();
  const Opened again = open("a");
  EXPECT_EQ(clock_.now - again.kept[0]->published_at(), std::chrono::seconds(190));
  EXPECT_EQ(clock_.now - again.kept[1]->published_at(), std::chrono::seconds(120));
}

TEST_F(DiskLogTest, AClockThatWasSetBackMakesNothingYoungerThanNew) {
  open("a");
  publish("a", "x");
  clock_.wall_now -= std::chrono::hours(24);
  restart();
  EXPECT_EQ(open("a").kept[0]->published_at(), clock_.now);
}

TEST_F(DiskLogTest, ATopicThatNobodyHasPublishedToIsTheSameAfterARestart) {
  const std::uint32_t epoch = open("a").epoch;
  EXPECT_NE(open("b").epoch, epoch);
  close("a");
  EXPECT_EQ(store_.count('t'), 0U) << "and takes no room on the disk";
  restart();
  EXPECT_EQ(open("a").epoch, epoch);
}

TEST_F(DiskLogTest, ANewEpochSurvivesARestart) {
  const std::uint32_t before = open("a").epoch;
  publish("a", "x");
  clear("a");
  const std::uint32_t epoch = positions_["a"]->epoch;
  EXPECT_NE(epoch, before);
  restart();
  const Opened again = open("a");
  EXPECT_EQ(again.epoch, epoch);
  EXPECT_EQ(again.last, 0U);
  EXPECT_THAT(again.kept, IsEmpty());
  EXPECT_EQ(store_.count('l'), 0U);
}

TEST_F(DiskLogTest, ANewEpochOfATopicWithoutMessagesSurvivesToo) {
  open("a");
  clear("a");
  const std::uint32_t epoch = positions_["a"]->epoch;
  restart();
  EXPECT_EQ(open("a").epoch, epoch);
}

TEST_F(DiskLogTest, RemovesWhatIsNoLongerWanted) {
  open("a");
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    positions_["a"]->first_offset = i > 10 ? i - 10 : 1;
    publish("a", std::to_string(i));
    ASSERT_LE(store_.count('l'), 11U + DiskLog::kStaleMessagesMax);
  }
  restart();
  const Opened again = open("a");
  EXPECT_EQ(again.last, 1000U);
  EXPECT_GE(again.kept.size(), 11U);
  EXPECT_EQ(again.payloads().back(), "1000");
}

TEST_F(DiskLogTest, RemovesLargeMessagesSooner) {
  open("a");
  for (std::uint64_t i = 1; i <= 20; ++i) {
    positions_["a"]->first_offset = i;
    publish("a", std::string(DiskLog::kStaleBytesMax / 4, 'x'));
    ASSERT_LE(store_.count('l'), 6U);
  }
}

TEST_F(DiskLogTest, ManyAtOnceAreRemovedAsOneRange) {
  open("a");
  for (int i = 0; i < 3000; ++i) {
    ask_publish("a", "x");
  }
  carry_out();
  positions_["a"]->first_offset = 2500;
  publish("a", "y");
  EXPECT_EQ(store_.count('l'), 502U);
}

TEST_F(DiskLogTest, WhatAnOlderEpochNoLongerWantedIsNotRemovedFromTheNewOne) {
  open("a");
  for (int i = 0; i < 500; ++i) {
    ask_publish("a", "x");
  }
  carry_out();
  // All of this leaves in one turn: the home still has the old log.
  positions_["a"]->first_offset = 401;
  ask_clear("a");
  for (int i = 1; i <= 200; ++i) {
    ask_publish("a", std::to_string(i));
  }
  carry_out();
  EXPECT_EQ(store_.count('l'), 200U);
}

TEST_F(DiskLogTest, AFreedTopicLeavesItsPlaceAndNothingElse) {
  const std::uint32_t epoch = open("a").epoch;
  publish("a", "1");
  publish("a", "2");
  ask_close("a");
  ask_open("a");  // In the same batch.
  DiskAnswers answers = carry_out();
  EXPECT_EQ(answers[0].epoch, epoch);
  EXPECT_EQ(answers[0].last, 2U);
  EXPECT_THAT(answers[0].kept, IsEmpty());
  EXPECT_EQ(store_.count('l'), 0U);
  close("a");
  EXPECT_EQ(store_.count('c'), 1U);
  restart();
  EXPECT_EQ(open("a").last, 2U);
  EXPECT_EQ(publish("a", "3"), (MessageId{epoch, 3}));
  EXPECT_EQ(store_.count('c'), 0U);
}

TEST_F(DiskLogTest, ForgetsTheTopicThatWasFreedFirstAndNeverUsesItsIdsAgain) {
  restart({.remembered_max = 3});
  std::map<std::string, std::uint32_t> epochs;
  for (const std::string topic : {"a", "b", "c", "d", "e"}) {
    epochs[topic] = open(topic).epoch;
    publish(topic, "x");
    close(topic);
  }
  open("z");  // The next batch forgets.
  EXPECT_EQ(store_.count('c'), 3U);
  EXPECT_EQ(store_.count('t'), 3U);
  restart({.remembered_max = 3});
  for (const std::string topic : {"a", "b"}) {
    const Opened again = open(topic);
    EXPECT_EQ(again.last, 0U);
    EXPECT_NE(again.epoch, epochs[topic]) << topic;
  }
  for (const std::string topic : {"c", "d", "e"}) {
    EXPECT_EQ(open(topic).epoch, epochs[topic]);
  }
}

TEST_F(DiskLogTest, ATopicThatIsForgottenWhileItIsOpenIsRememberedWhenItGoesAgain) {
  restart({.remembered_max = 1});
  const std::uint32_t epoch = open("a").epoch;
  publish("a", "x");
  close("a");
  open("a");
  for (const std::string topic : {"b", "c"}) {
    open(topic);
    publish(topic, "x");
    close(topic);
  }
  open("d");
  close("a");
  restart({.remembered_max = 1});
  const Opened again = open("a");
  EXPECT_EQ(again.epoch, epoch);
  EXPECT_EQ(again.last, 1U);
}

TEST_F(DiskLogTest, ABatchThatCannotBeWrittenIsRefusedWholeAndNothingHasHappened) {
  const std::uint32_t epoch = open("a").epoch;
  open("b");
  publish("a", "1");
  store_.failure = FakeStore::Failure::kLost;
  ask_publish("a", "2", 7);
  ask_publish("b", "1", 8);
  ask_publish("a", "3", 9);
  ask_clear("a", 10);
  std::vector<Ticket> refused;
  for (const DiskAnswer& answer : carry_out()) {
    EXPECT_EQ(answer.kind, DiskAnswer::Kind::kRefused);
    refused.push_back(answer.ticket);
  }
  EXPECT_THAT(refused, ElementsAre(7, 8, 9, 10));
  EXPECT_FALSE(log_->is_up());

  store_.failure = FakeStore::Failure::kNone;
  EXPECT_FALSE(publish("a", "4")) << "until the store was asked again";
  clock_.advance(std::chrono::milliseconds(999));
  log_->retry(clock_.now);
  EXPECT_EQ(store_.recoveries, 0);
  clock_.advance(std::chrono::milliseconds(1));
  log_->retry(clock_.now);
  EXPECT_TRUE(log_->is_up());
  EXPECT_EQ(publish("a", "5"), (MessageId{epoch, 2}));
  EXPECT_EQ(publish("b", "1")->offset, 1U);
  restart();
  EXPECT_THAT(open("a").payloads(), ElementsAre("1", "5"));
}

TEST_F(DiskLogTest, WhatWasRefusedAndIsThereAllTheSameGoesWithTheNextPublish) {
  open("a");
  publish("a", "1");
  store_.failure = FakeStore::Failure::kKept;
  ask_publish("a", "refused");
  ask_publish("a", "refused too");
  carry_out();
  recover_after(std::chrono::seconds(1));
  EXPECT_EQ(publish("a", "2")->offset, 2U);
  restart();
  EXPECT_THAT(open("a").payloads(), ElementsAre("1", "2"));
}

TEST_F(DiskLogTest, StaysDownWhileTheStoreDoes) {
  open("a");
  store_.failure = FakeStore::Failure::kLost;
  publish("a", "1");
  for (int i = 1; i <= 3; ++i) {
    clock_.advance(std::chrono::seconds(1));
    log_->retry(clock_.now);
    EXPECT_EQ(store_.recoveries, i);
    EXPECT_FALSE(log_->is_up());
  }
  EXPECT_EQ(open("b").last, 0U) << "reading goes on";
}

TEST_F(DiskLogTest, SyncsEachBatchOnceIfItIsTold) {
  restart({.sync = true});
  open("a");
  const int before = store_.synced_commits;
  ask_publish("a", "1");
  ask_publish("a", "2");
  carry_out();
  EXPECT_EQ(store_.synced_commits, before + 1);
  EXPECT_FALSE(log_->has_unsynced());
}

TEST_F(DiskLogTest, SyncsLaterOnlyWhatWasWritten) {
  open("a");
  log_->sync();
  EXPECT_EQ(store_.syncs, 0);
  publish("a", "1");
  EXPECT_TRUE(log_->has_unsynced());
  log_->sync();
  EXPECT_EQ(store_.syncs, 1);
  EXPECT_FALSE(log_->has_unsynced());
}

TEST_F(DiskLogTest, RefusesFromASyncOnThatFailed) {
  open("a");
  publish("a", "1");
  store_.failure = FakeStore::Failure::kLost;
  log_->sync();
  EXPECT_FALSE(log_->is_up());
  EXPECT_FALSE(publish("a", "2"));
}

TEST_F(DiskLogTest, AfterAPowerCutMessagesStayUnderIdsThatNobodyHasSeen) {
  const std::uint32_t written = open("a").epoch;
  const std::uint32_t idle = open("b").epoch;
  publish("a", "1");
  publish("a", "2");
  restart({.has_lost = true});
  const Opened a = open("a");
  EXPECT_NE(a.epoch, written);
  EXPECT_THAT(a.payloads(), ElementsAre("1", "2"));
  EXPECT_EQ(a.kept[1]->id(), (MessageId{a.epoch, 2}));
  EXPECT_NE(open("b").epoch, idle);
  publish("a", "3");
  restart();
  const Opened again = open("a");
  EXPECT_EQ(again.epoch, a.epoch) << "from then on it stays";
  EXPECT_THAT(again.payloads(), ElementsAre("1", "2", "3"));
}

TEST_F(DiskLogTest, OfALogWithAHoleTheNewestAreKept) {
  open("a");
  for (const char* payload : {"1", "2", "3", "4"}) {
    publish("a", payload);
  }
  store_.entries().erase(message_key(1, 2));
  EXPECT_THAT(open("a").payloads(), ElementsAre("3", "4"));
}

TEST_F(DiskLogTest, WhatCannotBeReadBeginsAnewUnderAnotherEpoch) {
  const std::uint32_t epoch = open("a").epoch;
  publish("a", "1");
  const auto entries = store_.entries();
  const auto damage = [&](const std::string& key) {
    store_.entries() = entries;
    store_.entries()[key] = "nonsense";
    const Opened again = open("a");
    EXPECT_NE(again.epoch, epoch);
    EXPECT_EQ(again.last, 0U);
    EXPECT_THAT(again.kept, IsEmpty());
    EXPECT_EQ(publish("a", "2"), (MessageId{again.epoch, 1}));
  };
  damage(topic_key("a"));
  damage(message_key(1, 1));
  EXPECT_EQ(store_.count('l'), 1U) << "and the old log goes";
  store_.entries() = entries;
  store_.cannot_read = true;
  const Opened again = open("a");
  EXPECT_NE(again.epoch, epoch);
  EXPECT_EQ(again.last, 0U);
}

TEST_F(DiskLogTest, SaysWhenItsOwnCountersAreDamaged) {
  store_.entries()[std::string(kStoreKey)] = "nonsense";
  DiskLog log(store_, clock_, {});
  EXPECT_FALSE(log.start());
  store_.cannot_read = true;
  DiskLog other(store_, clock_, {});
  EXPECT_FALSE(other.start());
}

TEST_F(DiskLogTest, KeepsARevocationOnTheDiskBeforeItSaysSo) {
  const auto revoke = [&](const std::string& user) {
    DiskRequest request;
    request.kind = DiskRequest::Kind::kRevoke;
    request.ticket = 7;
    request.revocation = std::make_shared<const Revocation>(
        Revocation{.user = user,
                   .token_id = {},
                   .before = clock_.wall(),
                   .until = clock_.wall() + std::chrono::hours(1)});
    asked_.push_back(std::move(request));
    const DiskAnswers answers = carry_out();
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].ticket, 7U);
    return answers[0].kind;
  };
  const int synced = store_.synced_commits;
  EXPECT_EQ(revoke("u"), DiskAnswer::Kind::kRevoked);
  EXPECT_EQ(store_.synced_commits, synced + 1) << "whatever the option says";
  EXPECT_FALSE(log_->has_unsynced());
  open("a");
  publish("a", "x");
  EXPECT_EQ(store_.synced_commits, synced + 1) << "and only that";
  store_.failure = FakeStore::Failure::kLost;
  EXPECT_EQ(revoke("v"), DiskAnswer::Kind::kRefused);
  EXPECT_FALSE(log_->is_up());
  EXPECT_EQ(revoke("w"), DiskAnswer::Kind::kRefused);
  store_.failure = FakeStore::Failure::kNone;
  restart();
  ASSERT_EQ(log_->revocations().size(), 1U);
  EXPECT_EQ(log_->revocations()[0].user, "u");
  clock_.advance(std::chrono::hours(1));
  restart();
  EXPECT_TRUE(log_->revocations().empty());
  EXPECT_EQ(store_.count('r'), 0U);
}

TEST_F(DiskLogTest, KnowsAfterARestartWhatWasPublishedWithAnIdempotencyKey) {
  open("a");
  publish("a", "without");
  const auto first = publish("a", "x", "k");
  clock_.advance(std::chrono::minutes(1));
  open("b");
  const auto second = publish("b", "y", "k");
  restart();
  std::vector<KnownPublish> known = log_->take_known_publishes();
  ASSERT_EQ(known.size(), 2U) << "oldest first";
  EXPECT_EQ(known[0].topic, "a");
  EXPECT_EQ(known[0].idempotency_key, "k");
  EXPECT_EQ(known[0].id, first);
  EXPECT_EQ(known[0].published, clock_.wall() - std::chrono::minutes(1));
  EXPECT_EQ(known[1].topic, "b");
  EXPECT_EQ(known[1].id, second);
  EXPECT_THAT(log_->take_known_publishes(), IsEmpty()) << "once";
  clock_.advance(std::chrono::minutes(4));
  restart();
  EXPECT_EQ(log_->take_known_publishes().size(), 1U);
  EXPECT_EQ(store_.count('i'), 1U) << "the store is rid of the other";
}

TEST_F(DiskLogTest, KnowsAKeyWhoseMessageIsNoLongerKept) {
  open("a");
  publish("a", "x", "k1");
  clear("a");
  publish("a", "y", "k2");
  close("a");
  restart();
  EXPECT_EQ(log_->take_known_publishes().size(), 2U);
}

TEST_F(DiskLogTest, KnowsNoKeyOfAPublishThatWasRefusedAndIsOver) {
  open("a");
  publish("a", "x", "k1");
  store_.failure = FakeStore::Failure::kKept;
  EXPECT_FALSE(publish("a", "y", "k2"));
  recover_after(std::chrono::seconds(1));
  const auto z = publish("a", "z");
  EXPECT_EQ(z->offset, 2U) << "the number that y would have had";
  restart();
  const auto known = log_->take_known_publishes();
  ASSERT_EQ(known.size(), 1U) << "z is not what k2 has published";
  EXPECT_EQ(known[0].idempotency_key, "k1");
}

TEST_F(DiskLogTest, KnowsTheKeyOfARepeatThatCameLongAfterItWasRefused) {
  open("a");
  store_.failure = FakeStore::Failure::kLost;
  EXPECT_FALSE(publish("a", "x", "k"));
  recover_after(std::chrono::minutes(6));
  const auto x = publish("a", "x", "k");
  restart();
  const auto known = log_->take_known_publishes();
  ASSERT_EQ(known.size(), 1U);
  EXPECT_EQ(known[0].id, x);
}

TEST_F(DiskLogTest, KnowsNoKeyOfALogThatWasRefusedWhole) {
  open("a");
  store_.failure = FakeStore::Failure::kKept;
  EXPECT_FALSE(publish("a", "y", "k"));
  recover_after(std::chrono::seconds(1));
  publish("a", "z");
  restart();
  EXPECT_THAT(log_->take_known_publishes(), IsEmpty());
  EXPECT_EQ(open("a").payloads(), std::vector<std::string>{"z"});
}

TEST_F(DiskLogTest, KnowsTheKeyOfWhatWasRefusedButIsThereAfterARestart) {
  open("a");
  store_.failure = FakeStore::Failure::kKept;
  EXPECT_FALSE(publish("a", "y", "k"));
  store_.failure = FakeStore::Failure::kNone;
  restart();
  EXPECT_EQ(log_->take_known_publishes().size(), 1U) << "a repeat would be there twice";
  EXPECT_EQ(open("a").payloads(), std::vector<std::string>{"y"});
}

TEST_F(DiskLogTest, DoesNotStartWithARevocationThatItCannotRead) {
  store_.entries()["ruu"] = "nonsense";
  DiskLog log(store_, clock_, {});
  EXPECT_FALSE(log.start());
}

TEST_F(DiskLogTest, FindsTheTopicsThatNobodyHasAskedForPieceByPiece) {
  constexpr std::size_t kTopics = DiskLog::kFoundMax * 2 + 10;
  for (std::size_t i = 0; i < kTopics; ++i) {
    const std::string topic = "t" + std::to_string(i);
    open(topic);
    publish(topic, "x");
  }
  open("freed");
  publish("freed", "x");
  close("freed");
  open("empty");
  restart();
  std::vector<std::string> found;
  for (int rounds = 0; rounds < 10; ++rounds) {
    asked_.push_back({.kind = DiskRequest::Kind::kFindMore});
    for (DiskAnswer& answer : carry_out()) {
      EXPECT_LE(answer.names.size(), DiskLog::kFoundMax);
      found.insert(found.end(), answer.names.begin(), answer.names.end());
    }
  }
  EXPECT_EQ(found.size(), kTopics);
  EXPECT_EQ(std::set<std::string>(found.begin(), found.end()).count("freed"), 0U);
}

TEST_F(DiskLogTest, RequestsOfATopicThatIsNotOpenAreRefused) {
  TopicPosition unknown;
  for (const auto kind : {DiskRequest::Kind::kPublish, DiskRequest::Kind::kClear}) {
    DiskRequest& request = asked_.emplace_back();
    request.kind = kind;
    request.position = &unknown;
    request.message = Message::create(PayloadKind::kText, "x");
  }
  asked_.push_back({.kind = DiskRequest::Kind::kClose, .position = &unknown});
  for (const DiskAnswer& answer : carry_out()) {
    EXPECT_EQ(answer.kind, DiskAnswer::Kind::kRefused);
  }
}

TEST_F(DiskLogTest, ATopicThatMemoryRunsOutForIsOpenedWhenItIsAskedForAgain) {
  open("t");
  const auto first = publish("t", "kept");
  ASSERT_TRUE(publish("t", std::string(100, 'x')));
  const FakeStore begin_with = store_;
  bool has_failed = true;
  int failures = 0;
  for (std::uint64_t nth = 1; has_failed; ++nth) {
    SCOPED_TRACE(nth);
    store_ = begin_with;
    restart();
    open("other");
    ask_open("t");
    ask_publish("t", "too early");
    ask_publish("other", "x");
    DiskAnswers answers;
    {
      const wspush::test::FailingAllocation failing(nth);
      try {
        answers = carry_out();
      } catch (const std::bad_alloc&) {
        asked_.clear();
        continue;  // Before anything was done.
      }
      has_failed = failing.has_failed();
    }
    if (answers.at(0).kind == DiskAnswer::Kind::kNotOpened) {
      ++failures;
      EXPECT_EQ(answers[0].position, positions_["t"].get());
      EXPECT_EQ(answers.at(1).kind, DiskAnswer::Kind::kRefused);
      EXPECT_EQ(answers.at(2).kind, DiskAnswer::Kind::kOrdered) << "nobody else is concerned";
      EXPECT_TRUE(log_->is_up());
      const Opened opened = open("t");
      EXPECT_EQ(opened.epoch, first->epoch);
      EXPECT_EQ(opened.payloads().at(0), "kept");
      EXPECT_TRUE(publish("t", "x"));
    }
  }
  EXPECT_GT(failures, 3);
}

TEST_F(DiskLogTest, ATopicAtTheAddressOfOneThatCouldNotBeClosedHasNothingOfIt) {
  open("old");
  publish("old", "x");
  TopicPosition* const position = positions_["old"].get();
  for (std::uint64_t nth = 1;; ++nth) {
    ask_close("old");
    const wspush::test::FailingAllocation failing(nth);
    try {
      carry_out();
    } catch (const std::bad_alloc&) {
      asked_.clear();
      continue;
    }
    break;
  }
  DiskRequest& late = asked_.emplace_back();
  late.kind = DiskRequest::Kind::kPublish;
  late.position = position;
  late.message = Message::create(PayloadKind::kText, "of another topic");
  clock_.advance(std::chrono::seconds(1));
  log_->retry(clock_.now);
  EXPECT_EQ(carry_out().at(0).kind, DiskAnswer::Kind::kRefused);
}

TEST_F(DiskLogTest, FindsTheOthersThoughMemoryRunsOutInTheSearch) {
  for (const std::string topic : {"a", "b", "a topic whose name is longer than any string keeps"}) {
    open(topic);
    publish(topic, "x");
  }
  bool has_failed = true;
  for (std::uint64_t nth = 1; has_failed; ++nth) {
    SCOPED_TRACE(nth);
    restart();
    std::set<std::string> found;
    for (int round = 0; round < 4; ++round) {
      asked_.push_back({.kind = DiskRequest::Kind::kFindMore});
      DiskAnswers answers;
      bool has_begun = true;
      {
        const wspush::test::FailingAllocation failing(round == 0 ? nth : 0);
        try {
          answers = carry_out();
        } catch (const std::bad_alloc&) {
          asked_.clear();
          has_begun = false;
        }
        has_failed = round == 0 ? failing.has_failed() : has_failed;
      }
      EXPECT_FALSE(round == 0 && has_begun && answers.empty()) << "nobody would ask for more";
      for (const DiskAnswer& answer : answers) {
        found.insert(answer.names.begin(), answer.names.end());
      }
    }
    EXPECT_EQ(found.size(), 3U);
  }
}

/// A topic as it has to be, by what was answered.
struct Model {
  std::uint32_t epoch = 0;
  bool is_open = false;
  std::uint64_t first = 1;            ///< what the home still wants
  std::vector<std::string> payloads;  ///< acknowledged, from offset 1 on
};

TEST_F(DiskLogTest, HoldsWhatItAcknowledgedWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    SplitMix64 random(seed);
    store_ = FakeStore();
    restart();
    std::map<std::string, Model> models;
    const auto reopen = [&](const std::string& topic) {
      Model& model = models[topic];
      const bool is_new = model.epoch == 0;
      const Opened opened = open(topic);
      if (is_new) {
        model.epoch = opened.epoch;
      }
      model.is_open = true;
      ASSERT_EQ(opened.epoch, model.epoch) << topic;
      ASSERT_EQ(opened.last, model.payloads.size()) << topic;
      ASSERT_LE(opened.kept.size(), model.payloads.size()) << topic;
      const std::uint64_t first = opened.last + 1 - opened.kept.size();
      ASSERT_LE(first, model.first) << topic;
      for (std::size_t i = 0; i < opened.kept.size(); ++i) {
        ASSERT_EQ(opened.kept[i]->payload(), model.payloads[first - 1 + i]) << topic;
        ASSERT_EQ(opened.kept[i]->id(), (MessageId{model.epoch, first + i})) << topic;
      }
    };
    for (int step = 0; step < 400; ++step) {
      const std::string topic(1, static_cast<char>('a' + random.below(4)));
      Model& model = models[topic];
      if (!model.is_open) {
        ASSERT_NO_FATAL_FAILURE(reopen(topic));
      }
      const std::uint64_t dice = random.below(100);
      if (dice < 70) {
        // A batch of publishes; the home lets old ones go.
        if (random.below(3) == 0) {
          model.first += random.below(model.payloads.size() + 2 - model.first);
        }
        positions_[topic]->first_offset = model.first;
        const std::uint64_t count = 1 + random.below(40);
        store_.failure = random.below(8) == 0 ? (random.below(2) == 0 ? FakeStore::Failure::kLost
                                                                      : FakeStore::Failure::kKept)
                                              : FakeStore::Failure::kNone;
        const bool has_failed = store_.failure != FakeStore::Failure::kNone;
        for (std::uint64_t i = 0; i < count; ++i) {
          ask_publish(topic,
                      std::to_string(seed) + "." + std::to_string(step) + "." + std::to_string(i));
        }
        for (const DiskAnswer& answer : carry_out()) {
          ASSERT_EQ(answer.kind,
                    has_failed ? DiskAnswer::Kind::kRefused : DiskAnswer::Kind::kOrdered);
          if (!has_failed) {
            model.payloads.emplace_back(answer.message->payload());
            ASSERT_EQ(answer.message->id(), (MessageId{model.epoch, model.payloads.size()}));
          }
        }
        store_.failure = FakeStore::Failure::kNone;
        if (has_failed) {
          clock_.advance(std::chrono::seconds(1));
          log_->retry(clock_.now);
          // Only a restart before the next publish could show what was refused.
          ask_publish(topic, "after");
          carry_out();
          model.payloads.emplace_back("after");
        }
      } else if (dice < 75) {
        clear(topic);
        ASSERT_NE(positions_[topic]->epoch, model.epoch);
        model.epoch = positions_[topic]->epoch;
        model.payloads.clear();
        model.first = 1;
      } else if (dice < 90) {
        close(topic);
        model.is_open = false;
        model.first = model.payloads.size() + 1;
      } else {
        restart();
        for (auto& [name, each] : models) {
          each.is_open = false;
        }
      }
    }
  }
}

}  // namespace
}  // namespace wspush::engine
