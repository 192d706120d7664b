#include "engine/memory_engine.hpp"

#include <new>
#include <string>

#include <gtest/gtest.h>

#include "unit/failing_allocations.hpp"

namespace wspush::engine {
namespace {

class Ignored final : public EngineEvents {
 public:
  void on_opened(std::uint64_t /*topic*/, std::vector<hub::MessageRef> /*kept*/) override {}
  void on_ordered(std::uint64_t /*topic*/, hub::MessageRef /*message*/,
                  Ticket /*ticket*/) override {}
  void on_publish_refused(Ticket /*ticket*/, EngineError /*error*/) override {}
  void on_cleared(std::uint64_t /*topic*/, Ticket /*ticket*/) override {}
};

class MemoryEngineTest : public ::testing::Test {
 protected:
  MemoryEngineTest() { engine_.start(ignored_); }

  void close(const std::string& name, std::uint64_t last_offset) {
    engine_.close(name, {.topic = 1, .epoch = 99, .last_offset = last_offset});
  }
  /// 0 when the topic has been forgotten.
  std::uint64_t last_offset_of(const std::string& name) {
    TopicPosition position;
    engine_.open(name, position);
    return position.last_offset;
  }

  Ignored ignored_;
  MemoryEngine engine_{5, 3};
};

TEST_F(MemoryEngineTest, ForgetsTheTopicThatWasClosedFirst) {
  for (std::uint64_t i = 1; i <= 4; ++i) {
    close("t" + std::to_string(i), i);
  }
  EXPECT_EQ(last_offset_of("t1"), 0U);
  EXPECT_EQ(last_offset_of("t2"), 2U);
  EXPECT_EQ(last_offset_of("t3"), 3U);
  EXPECT_EQ(last_offset_of("t4"), 4U);
}

TEST_F(MemoryEngineTest, ATopicThatCameBackIsTheNewestWhenItGoesAgain) {
  close("a", 1);
  close("b", 2);
  EXPECT_EQ(last_offset_of("a"), 1U);
  close("a", 3);
  close("c", 4);
  close("d", 5);
  EXPECT_EQ(last_offset_of("b"), 0U);
  EXPECT_EQ(last_offset_of("a"), 3U);
  EXPECT_EQ(last_offset_of("c"), 4U);
  EXPECT_EQ(last_offset_of("d"), 5U);
}

TEST_F(MemoryEngineTest, RemembersATopicOrNotAtAllWhereMemoryRunsOut) {
  bool has_failed = true;
  for (std::uint64_t nth = 1; has_failed; ++nth) {
    MemoryEngine engine(5, 3);
    engine.start(ignored_);
    {
      const wspush::test::FailingAllocation failing(nth);
      try {
        engine.close("t", {.topic = 1, .epoch = 99, .last_offset = 7});
      } catch (const std::bad_alloc&) {
      }
      has_failed = failing.has_failed();
    }
    TopicPosition position;
    engine.open("t", position);
    EXPECT_EQ(position.last_offset, has_failed ? 0U : 7U);
    for (const char* const name : {"a", "b", "c", "d"}) {
      engine.close(name, {.topic = 1, .epoch = 99, .last_offset = 1});
    }
    TopicPosition newest;
    engine.open("d", newest);
    EXPECT_EQ(newest.last_offset, 1U);
  }
}

TEST_F(MemoryEngineTest, TwoReactorsDoNotDrawTheSameEpochs) {
  MemoryEngine other(6);
  other.start(ignored_);
  TopicPosition mine;
  TopicPosition theirs;
  engine_.open("t", mine);
  other.open("t", theirs);
  EXPECT_NE(mine.epoch, theirs.epoch);
}

}  // namespace
}  // namespace wspush::engine
