#include "cli/reconnect_policy.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

using namespace std::chrono_literals;

TEST(ReconnectPolicy, DoublesFrom100MillisecondsTo5Seconds) {
  SplitMix64 random(3);
  ReconnectPolicy policy(random);
  for (const auto longest : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms, 5000ms}) {
    const auto delay = policy.next_delay();
    EXPECT_GE(delay, longest / 2);
    EXPECT_LE(delay, longest);
  }
}

TEST(ReconnectPolicy, DrawsFromTheWholeRange) {
  SplitMix64 random(5);
  auto least = 1000ms;
  auto most = 0ms;
  for (int i = 0; i < 1000; ++i) {
    const auto delay = ReconnectPolicy(random).next_delay();
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_EQ(least, 50ms);
  EXPECT_EQ(most, 100ms);
}

TEST(ReconnectPolicy, BeginsAnewOnlyAfterAConnectionThatLasted) {
  SplitMix64 random(9);
  ReconnectPolicy policy(random);
  for (int i = 0; i < 10; ++i) {
    policy.next_delay();
  }
  policy.on_lost(kStableAfter - 1ms);
  EXPECT_GE(policy.next_delay(), 2500ms);
  policy.on_lost(kStableAfter);
  EXPECT_LE(policy.next_delay(), 100ms);
}

TEST(ReconnectPolicy, WaitsAsLongAsTheServerAsksForUpToABound) {
  SplitMix64 random(1);
  ReconnectPolicy policy(random);
  const auto delay = policy.next_delay(3s);
  EXPECT_GE(delay, 3050ms);
  EXPECT_LE(delay, 3100ms);
  EXPECT_LE(policy.next_delay(24h), kRetryAfterMax + 200ms);
}

}  // namespace
}  // namespace wspush::cli
