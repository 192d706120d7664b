#include "engine/disk_engine.hpp"

#include <memory>
#include <new>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/engine/disk_desk.hpp"
#include "unit/engine/temporary_directory.hpp"
#include "unit/failing_allocations.hpp"

namespace wspush::engine {
namespace {

using hub::Message;
using hub::PayloadKind;
using test::DiskDesk;
using test::TemporaryDirectory;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::StartsWith;

class Witness final : public EngineEvents {
 public:
  void on_opened(std::uint64_t topic, std::vector<hub::MessageRef> kept) override {
    told.push_back("opened " + std::to_string(topic) + " " + std::to_string(kept.size()));
  }
  void on_ordered(std::uint64_t topic, hub::MessageRef message, Ticket ticket) override {
    told.push_back("ordered " + std::to_string(topic) + " " + std::string(message->payload()) +
                   " " + std::to_string(ticket));
    if (message->payload() == "too much") {
      throw std::bad_alloc();
    }
  }
  void on_publish_refused(Ticket ticket, EngineError /*error*/) override {
    told.push_back("refused " + std::to_string(ticket));
  }
  void on_cleared(std::uint64_t topic, Ticket ticket) override {
    told.push_back("cleared " + std::to_string(topic) + " " + std::to_string(ticket));
  }
  void on_found(ByteView name) override {
    told.push_back("found " + std::string(name));
    if (name == "too much") {
      throw std::bad_alloc();
    }
  }

  std::vector<std::string> told;
};

class DiskEngineTest : public ::testing::Test {
 protected:
  /// `starts`: the writer answers.
  void begin(bool starts) {
    engine_.reset();
    desk_.reset();
    desk_ = std::make_unique<DiskDesk>(at_ / "d", DiskSync{}, std::uint16_t{1}, starts);
    engine_ = std::make_unique<DiskEngine>(std::uint16_t{0}, desk_->writer(), metrics_);
    witness_.told.clear();
    engine_->start(witness_);
  }
  void settle(std::size_t told) {
    engine_->hand_over();
    while (witness_.told.size() < told) {
      DiskAnswers answers = desk_->await();
      engine_->take(answers);
      engine_->hand_over();
    }
  }
  void publish(TopicPosition& position, const std::string& payload, Ticket ticket) {
    engine_->publish(position, Message::create(PayloadKind::kText, payload), {}, ticket,
                     MonotonicClock::now());
  }
  std::uint64_t refused() const {
    metrics::Snapshot snapshot;
    metrics_.add_to(snapshot);
    return snapshot.value(metrics::Metric::kPublishesRefused);
  }

  TemporaryDirectory at_;
  metrics::ReactorMetrics metrics_;
  Witness witness_;
  std::unique_ptr<DiskDesk> desk_;
  std::unique_ptr<DiskEngine> engine_;
};

TEST_F(DiskEngineTest, SaysNothingBeforeTheWriterHas) {
  begin(false);
  TopicPosition position{.topic = 5};
  engine_->open("a", position);
  publish(position, "x", 1);
  engine_->clear(position, 2);
  engine_->hand_over();
  EXPECT_TRUE(witness_.told.empty());
  EXPECT_EQ(position.on_the_way, 3U);
}

TEST_F(DiskEngineTest, TellsInTheOrderInWhichItWasAskedAndCountsWhatIsOnTheWay) {
  begin(true);
  TopicPosition position{.topic = 5};
  engine_->open("a", position);
  publish(position, "x", 1);
  engine_->clear(position, 2);
  publish(position, "y", 3);
  settle(4);
  EXPECT_THAT(witness_.told,
              ElementsAre("opened 5 0", "ordered 5 x 1", "cleared 5 2", "ordered 5 y 3"));
  EXPECT_EQ(position.on_the_way, 0U);
  EXPECT_EQ(position.last_offset, 1U);
}

TEST_F(DiskEngineTest, RefusesMessagesPastTheBound) {
  begin(false);
  TopicPosition position{.topic = 5};
  engine_->open("a", position);
  for (std::size_t i = 0; i < DiskEngine::kMessagesMax; ++i) {
    publish(position, "x", 1);
  }
  EXPECT_TRUE(witness_.told.empty());
  publish(position, "x", 77);
  EXPECT_THAT(witness_.told, ElementsAre("refused 77"));
  EXPECT_EQ(refused(), 1U);
  desk_->writer().start();
  settle(2 + DiskEngine::kMessagesMax);
  publish(position, "y", 78);
  settle(3 + DiskEngine::kMessagesMax);
  EXPECT_EQ(witness_.told.back(), "ordered 5 y 78");
}

TEST_F(DiskEngineTest, RefusesBytesPastTheBound) {
  begin(false);
  TopicPosition position{.topic = 5};
  engine_->open("a", position);
  const std::string large(DiskEngine::kBytesMax / 4, 'x');
  for (Ticket ticket = 1; ticket <= 5; ++ticket) {
    publish(position, large, ticket);
  }
  EXPECT_THAT(witness_.told, ElementsAre("refused 5"));
}

TEST_F(DiskEngineTest, LosesNoAnswerToOneThatMemoryRanOutFor) {
  begin(false);
  TopicPosition position{.topic = 5};
  engine_->open("a", position);
  for (const char* payload : {"x", "too much", "y", "z"}) {
    publish(position, payload, 0);
  }
  desk_->writer().start();
  engine_->hand_over();
  int failures = 0;
  while (witness_.told.size() < 5) {
    DiskAnswers answers = desk_->await();
    try {
      engine_->take(answers);
    } catch (const std::bad_alloc&) {
      ++failures;
    }
  }
  EXPECT_EQ(failures, 1);
  EXPECT_THAT(witness_.told, ElementsAre("opened 5 0", "ordered 5 x 0", "ordered 5 too much 0",
                                         "ordered 5 y 0", "ordered 5 z 0"));
}

TEST_F(DiskEngineTest, NamesTheTopicsOfAnEarlierLife) {
  begin(true);
  TopicPosition a{.topic = 1};
  TopicPosition b{.topic = 2};
  engine_->open("a", a);
  engine_->open("b", b);
  publish(b, "x", 0);
  settle(3);
  begin(true);
  settle(1);
  EXPECT_THAT(witness_.told, ElementsAre("found b"));
}

TEST_F(DiskEngineTest, FindsTheOthersBehindATopicThatMemoryRanOutFor) {
  begin(true);
  constexpr std::size_t kTopics = 600;  // More than one answer has.
  std::vector<TopicPosition> positions(kTopics + 1);
  const auto keep = [&](const std::string& name, TopicPosition& position) {
    position.topic = static_cast<std::uint64_t>(&position - positions.data()) + 1;
    engine_->open(name, position);
    publish(position, "x", 0);
  };
  for (std::size_t i = 0; i < kTopics; ++i) {
    keep("u" + std::to_string(i), positions[i]);  // Behind the other one.
  }
  keep("too much", positions[kTopics]);
  settle(2 * positions.size());
  begin(true);
  int failures = 0;
  engine_->hand_over();
  while (witness_.told.size() < positions.size()) {
    DiskAnswers answers = desk_->await();
    try {
      engine_->take(answers);
    } catch (const std::bad_alloc&) {
      ++failures;
    }
    engine_->hand_over();
  }
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(witness_.told.size(), positions.size());
}

TEST_F(DiskEngineTest, LeavesNoRequestByHalfWhereMemoryRunsOut) {
  const std::string name = "a topic whose name is longer than any string keeps";
  bool has_failed = true;
  for (std::uint64_t nth = 1; has_failed; ++nth) {
    SCOPED_TRACE(nth);
    begin(true);
    TopicPosition position{.topic = 5};
    const Revocation revocation{.user = name, .token_id = {}, .before = {}, .until = {}};
    int asked = 0;
    {
      const wspush::test::FailingAllocation failing(nth);
      try {
        engine_->open(name, position);
        ++asked;
        engine_->keep_revocation(revocation, 7, MonotonicClock::now());
        ++asked;
      } catch (const std::bad_alloc&) {
      }
      has_failed = failing.has_failed();
    }
    EXPECT_EQ(position.on_the_way, asked > 0 ? 1U : 0U);
    if (asked == 0) {
      engine_->open(name, position);
    }
    publish(position, "x", 1);
    settle(nth == 1 ? 2 : 3);  // In a later life it is found, too.
    EXPECT_THAT(witness_.told, Contains(StartsWith("opened 5 ")));
    EXPECT_EQ(position.on_the_way, 0U);
  }
}

}  // namespace
}  // namespace wspush::engine
