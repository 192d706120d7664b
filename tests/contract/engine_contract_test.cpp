// What every engine owes to the hub. A new engine adds itself to the list at the end.
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/memory_engine.hpp"
#include "unit/engine/disk_desk.hpp"
#include "unit/engine/temporary_directory.hpp"

namespace wspush::engine {
namespace {

using hub::Message;
using hub::MessageId;
using hub::MessageRef;
using hub::PayloadKind;

constexpr TimePoint kNow{std::chrono::hours(1)};

/// A home as the hub is one: keeps positions in place and writes down what it is told.
class Home final : public EngineEvents {
 public:
  struct Ordered {
    std::uint64_t topic;
    MessageRef message;
    Ticket ticket;
  };

  void on_opened(std::uint64_t topic, std::vector<MessageRef> kept) override {
    opened[topic].push_back(std::move(kept));
  }
  void on_ordered(std::uint64_t topic, MessageRef message, Ticket ticket) override {
    ordered.push_back({topic, std::move(message), ticket});
  }
  void on_publish_refused(Ticket ticket, EngineError /*error*/) override {
    refused.push_back(ticket);
  }
  void on_cleared(std::uint64_t topic, Ticket ticket) override {
    cleared.emplace_back(topic, ticket);
  }
  void on_revocation_kept(Ticket ticket) override { revoked.push_back(ticket); }

  std::map<std::uint64_t, std::vector<std::vector<MessageRef>>> opened;
  std::vector<Ordered> ordered;
  std::vector<Ticket> refused;
  std::vector<std::pair<std::uint64_t, Ticket>> cleared;
  std::vector<Ticket> revoked;
};

/// One engine, and what has to be done so that it answers.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Engine& engine() = 0;
  /// Lets a turn of the reactor pass: some of what is on its way is answered.
  virtual void pass_turn() {}
};

class MemorySubject final : public Subject {
 public:
  Engine& engine() override { return engine_; }

 private:
  MemoryEngine engine_{17, 100};
};

class DiskSubject final : public Subject {
 public:
  explicit DiskSubject(DiskSync::When when) : desk_(at_ / "d", {.when = when}) {}
  Engine& engine() override { return engine_; }
  void pass_turn() override {
    engine_.hand_over();
    DiskAnswers answers = desk_.await();
    engine_.take(answers);
  }

 private:
  test::TemporaryDirectory at_;
  metrics::ReactorMetrics metrics_;
  test::DiskDesk desk_;
  DiskEngine engine_{0, desk_.writer(), metrics_};
};

struct Kind {
  const char* name;
  std::function<std::unique_ptr<Subject>()> make;
};

class EngineContract : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    subject_ = GetParam().make();
    engine_ = &subject_->engine();
    engine_->start(home_);
  }
  TopicPosition& open(const std::string& name) {
    auto& position = positions_[name];
    position = std::make_unique<TopicPosition>();
    position->topic = ++topics_;
    engine_->open(name, *position);
    settle();
    return *position;
  }
  /// Until all that was asked is answered.
  void settle() {
    for (const auto& [name, position] : positions_) {
      while (position->on_the_way > 0) {
        subject_->pass_turn();
      }
    }
  }
  MessageId publish(TopicPosition& position, const std::string& payload, Ticket ticket = 0) {
    engine_->publish(position, Message::create(PayloadKind::kText, payload), {}, ticket, kNow);
    settle();
    return home_.ordered.back().message->id();
  }

  Home home_;
  std::unique_ptr<Subject> subject_;
  Engine* engine_ = nullptr;
  std::map<std::string, std::unique_ptr<TopicPosition>> positions_;
  std::uint64_t topics_ = 0;
};

TEST_P(EngineContract, OpensEachTopicOnceAndBeforeItsFirstMessage) {
  const TopicPosition& a = open("a");
  const TopicPosition& b = open("b");
  ASSERT_EQ(home_.opened[a.topic].size(), 1U);
  ASSERT_EQ(home_.opened[b.topic].size(), 1U);
  EXPECT_TRUE(home_.opened[a.topic][0].empty());
  EXPECT_EQ(a.last_offset, 0U);
}

TEST_P(EngineContract, GivesConsecutiveIdsFromOneOnInTheOrderOfThePublishes) {
  TopicPosition& a = open("a");
  TopicPosition& b = open("b");
  for (std::uint64_t i = 1; i <= 100; ++i) {
    EXPECT_EQ(publish(a, std::to_string(i), i), (MessageId{a.epoch, i}));
    EXPECT_EQ(a.last_offset, i) << "the position moves before the message is handed on";
    if (i % 3 == 0) {
      EXPECT_EQ(publish(b, "b"), (MessageId{b.epoch, i / 3}));
    }
  }
  std::uint64_t next = 1;
  for (const Home::Ordered& ordered : home_.ordered) {
    if (ordered.topic == a.topic) {
      EXPECT_EQ(ordered.message->payload(), std::to_string(next));
      EXPECT_EQ(ordered.ticket, next);
      EXPECT_EQ(ordered.message->published_at(), kNow);
      ++next;
    }
  }
  EXPECT_EQ(next, 101U);
  EXPECT_TRUE(home_.refused.empty());
}

TEST_P(EngineContract, ClearingIsANewEpochFromOneOn) {
  TopicPosition& a = open("a");
  std::set<std::uint32_t> epochs{a.epoch};
  for (Ticket ticket = 1; ticket <= 50; ++ticket) {
    publish(a, "x");
    engine_->clear(a, ticket);
    settle();
    ASSERT_EQ(home_.cleared.back(), (std::pair<std::uint64_t, Ticket>(a.topic, ticket)));
    EXPECT_EQ(a.last_offset, 0U);
    EXPECT_TRUE(epochs.insert(a.epoch).second) << "no id is ever used twice";
  }
  EXPECT_EQ(publish(a, "y"), (MessageId{a.epoch, 1}));
}

TEST_P(EngineContract, ATopicThatComesBackGoesOnWhereItStood) {
  TopicPosition& before = open("a");
  publish(before, "1");
  const MessageId last = publish(before, "2");
  engine_->close("a", before);
  TopicPosition& after = open("a");
  EXPECT_EQ((MessageId{after.epoch, after.last_offset}), last);
  EXPECT_EQ(publish(after, "3"), (MessageId{last.epoch, 3}));
}

TEST_P(EngineContract, ATopicThatComesAndGoesOftenIsStillRemembered) {
  MessageId last;
  for (int i = 0; i < 1000; ++i) {
    TopicPosition& position = open("a");
    if (i > 0) {
      ASSERT_EQ((MessageId{position.epoch, position.last_offset}), last) << "round " << i;
    }
    last = publish(position, "x");
    engine_->close("a", position);
  }
}

TEST_P(EngineContract, TopicsDoNotShareTheirPlaces) {
  TopicPosition& a = open("a");
  publish(a, "1");
  engine_->close("a", a);
  const TopicPosition& b = open("b");
  EXPECT_EQ(b.last_offset, 0U);
  EXPECT_NE(b.epoch, a.epoch);
}

TEST_P(EngineContract, WhatIsAskedInOneTurnIsCarriedOutInItsOrder) {
  TopicPosition& a = open("a");
  for (Ticket ticket = 1; ticket <= 10; ++ticket) {
    engine_->publish(a, Message::create(PayloadKind::kText, "x"), {}, ticket, kNow);
  }
  engine_->clear(a, 11);
  engine_->publish(a, Message::create(PayloadKind::kText, "y"), {}, 12, kNow);
  settle();
  ASSERT_EQ(home_.ordered.size(), 11U);
  for (Ticket ticket = 1; ticket <= 10; ++ticket) {
    EXPECT_EQ(home_.ordered[ticket - 1].ticket, ticket);
  }
  EXPECT_EQ(home_.ordered.back().message->id(), (MessageId{a.epoch, 1}));
}

TEST_P(EngineContract, SaysOnceThatARevocationIsKept) {
  const bool is_over = engine_->keep_revocation(
      {.user = "u", .token_id = {}, .before = {}, .until = WallTime::max()}, 5,
      MonotonicClock::now());
  while (!is_over && home_.revoked.empty()) {
    subject_->pass_turn();
  }
  EXPECT_EQ(home_.revoked.size(), is_over ? 0U : 1U);
  EXPECT_TRUE(home_.refused.empty());
}

INSTANTIATE_TEST_SUITE_P(
    All, EngineContract,
    ::testing::Values(Kind{"Memory", [] { return std::make_unique<MemorySubject>(); }},
                      Kind{"Disk",
                           [] { return std::make_unique<DiskSubject>(DiskSync::When::kPeriod); }},
                      Kind{"DiskSyncedEachTurn",
                           [] { return std::make_unique<DiskSubject>(DiskSync::When::kTurn); }}),
    [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace wspush::engine
