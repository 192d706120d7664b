// What every engine owes to the hub. A new engine adds itself to the list at the end.
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/memory_engine.hpp"

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

  std::map<std::uint64_t, std::vector<std::vector<MessageRef>>> opened;
  std::vector<Ordered> ordered;
  std::vector<Ticket> refused;
  std::vector<std::pair<std::uint64_t, Ticket>> cleared;
};

struct Kind {
  const char* name;
  std::function<std::unique_ptr<Engine>(std::uint64_t seed)> make;
};

class EngineContract : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    engine_ = GetParam().make(17);
    engine_->start(home_);
  }
  TopicPosition& open(const std::string& name) {
    auto& position = positions_[name];
    position = std::make_unique<TopicPosition>();
    position->topic = ++topics_;
    engine_->open(name, *position);
    return *position;
  }
  MessageId publish(TopicPosition& position, const std::string& payload, Ticket ticket = 0) {
    engine_->publish(position, Message::create(PayloadKind::kText, payload), ticket, kNow);
    return home_.ordered.back().message->id();
  }

  Home home_;
  std::unique_ptr<Engine> engine_;
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

INSTANTIATE_TEST_SUITE_P(All, EngineContract,
                         ::testing::Values(Kind{"Memory",
                                                [](std::uint64_t seed) {
                                                  return std::make_unique<MemoryEngine>(seed, 100);
                                                }}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace wspush::engine
