#include "base/limited_log.hpp"

#include <gtest/gtest.h>

namespace wspush::log {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(LimitedLog, TellsTheFirstAtOnceAndTheRestInOneLineAPeriod) {
  LimitedLog limited;
  const TimePoint start{};  // also where the clock begins: the first is told
  EXPECT_EQ(limited.hit(start), 1U);
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(limited.hit(start + milliseconds(i)), 0U);
  }
  EXPECT_EQ(limited.hit(start + seconds(10) - milliseconds(1)), 0U);
  EXPECT_EQ(limited.hit(start + seconds(10)), 502U);
  EXPECT_EQ(limited.hit(start + seconds(10)), 0U);
  EXPECT_EQ(limited.hit(start + seconds(60), 5), 6U);
}

TEST(LimitedLog, TellsTheEndOfABurstWhenAskedLater) {
  LimitedLog limited(seconds(1));
  const TimePoint start{seconds(50)};
  EXPECT_EQ(limited.take_due(start), 0U);
  EXPECT_EQ(limited.hit(start, 3), 3U);
  EXPECT_EQ(limited.hit(start), 0U);
  EXPECT_EQ(limited.take_due(start + milliseconds(999)), 0U);
  EXPECT_EQ(limited.take_due(start + seconds(1)), 1U);
  EXPECT_EQ(limited.take_due(start + seconds(9)), 0U);
  EXPECT_EQ(limited.hit(start + seconds(9)), 1U);
}

}  // namespace
}  // namespace wspush::log
