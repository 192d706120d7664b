#include "load/statistics.hpp"

#include <gtest/gtest.h>

namespace wspush::load {
namespace {

using std::chrono::nanoseconds;

TEST(Durations, GivesQuantilesByNearestRank) {
  Durations durations;
  for (int i = 100; i >= 1; --i) {
    durations.add(nanoseconds(i));
  }
  EXPECT_EQ(durations.quantile(0.50), nanoseconds(50));
  EXPECT_EQ(durations.quantile(0.99), nanoseconds(99));
  EXPECT_EQ(durations.quantile(1.0), nanoseconds(100));
  EXPECT_EQ(durations.quantile(0.001), nanoseconds(1));
}

TEST(Durations, OfOneValueAreThatValueAndOfNoneZero) {
  Durations durations;
  EXPECT_EQ(durations.quantile(0.99), nanoseconds(0));
  durations.add(nanoseconds(7));
  EXPECT_EQ(durations.quantile(0.5), nanoseconds(7));
  EXPECT_EQ(durations.quantile(0.99), nanoseconds(7));
}

}  // namespace
}  // namespace wspush::load
