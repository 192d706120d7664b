#include "base/token_bucket.hpp"

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

const TimePoint kStart{seconds(1000)};

TEST(TokenBucket, IsSmall) {
  EXPECT_EQ(sizeof(TokenBucket), 8U);
}

TEST(TokenBucket, StartsFullAndRefillsAtTheRate) {
  TokenBucket bucket;
  const RateLimit limit{.per_second = 10, .burst = 3};
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(bucket.take(kStart, limit));
  }
  EXPECT_FALSE(bucket.take(kStart, limit));
  EXPECT_EQ(bucket.wait(kStart, limit), milliseconds(100));
  EXPECT_FALSE(bucket.take(kStart + milliseconds(100) - nanoseconds(1), limit));
  EXPECT_TRUE(bucket.take(kStart + milliseconds(100), limit));
  EXPECT_FALSE(bucket.take(kStart + milliseconds(100), limit));
  EXPECT_EQ(bucket.wait(kStart + milliseconds(400), limit), Duration::zero());
}

TEST(TokenBucket, KeepsNoMoreThanItsBurst) {
  TokenBucket bucket;
  const RateLimit limit{.per_second = 10, .burst = 3};
  EXPECT_TRUE(bucket.take(kStart, limit));
  const TimePoint later = kStart + std::chrono::hours(24 * 365);
  EXPECT_TRUE(bucket.take(later, limit, 3));
  EXPECT_FALSE(bucket.take(later, limit));
}

TEST(TokenBucket, TakesAllOrNothing) {
  TokenBucket bucket;
  const RateLimit limit{.per_second = 1, .burst = 5};
  EXPECT_FALSE(bucket.take(kStart, limit, 6));
  EXPECT_TRUE(bucket.take(kStart, limit, 4));
  EXPECT_FALSE(bucket.take(kStart, limit, 2));
  EXPECT_TRUE(bucket.take(kStart, limit, 1));
}

TEST(TokenBucket, LetsEverythingThroughAtRateZero) {
  TokenBucket bucket;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(bucket.take(kStart, RateLimit{.per_second = 0, .burst = 0}, 1000));
  }
  EXPECT_EQ(bucket.wait(kStart, RateLimit{}), Duration::zero());
}

TEST(TokenBucket, FollowsAReloadAtOnce) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.take(kStart, {.per_second = 100, .burst = 100}, 100));
  // The same moment, a smaller limit: empty stays empty, and refills at the new rate.
  EXPECT_FALSE(bucket.take(kStart, {.per_second = 1, .burst = 10}));
  EXPECT_TRUE(bucket.take(kStart + seconds(1), {.per_second = 1, .burst = 10}));
  EXPECT_FALSE(bucket.take(kStart + seconds(1), {.per_second = 1, .burst = 10}));
}

TEST(TokenBucket, HoldsAtTheEndsOfItsRange) {
  TokenBucket bucket;
  const RateLimit slow{.per_second = 1, .burst = 0xffffffff};
  EXPECT_TRUE(bucket.take(TimePoint{}, slow, 0xffffffff));
  EXPECT_FALSE(bucket.take(TimePoint{}, slow));
  TokenBucket fast;
  const RateLimit bytes{.per_second = 0xffffffff, .burst = 0xffffffff};
  EXPECT_TRUE(fast.take(kStart, bytes, 0xffffffff));
  EXPECT_FALSE(fast.take(kStart + milliseconds(999), bytes, 0xffffffff));
  EXPECT_TRUE(fast.take(kStart + seconds(1), bytes, 0xffffffff));
}

TEST(TokenBucket, AgreesWithACountOfTokens) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SplitMix64 random(seed);
    // Rates that divide a second, so that the model's whole nanoseconds have no rounding either.
    const std::uint32_t rates[] = {1, 2, 10, 100, 1000, 8000};
    const RateLimit limit{.per_second = rates[random.below(6)],
                          .burst = static_cast<std::uint32_t>(1 + random.below(20))};
    const std::int64_t per_token = 1'000'000'000 / limit.per_second;
    std::int64_t tokens_ns = limit.burst * per_token;  // tokens, in the time that they take to come
    TokenBucket bucket;
    TimePoint now = kStart;
    for (int step = 0; step < 2000; ++step) {
      const auto elapsed =
          static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(per_token) * 2));
      now += nanoseconds(elapsed);
      tokens_ns = std::min(tokens_ns + elapsed, limit.burst * per_token);
      const auto cost = static_cast<std::uint32_t>(1 + random.below(4));
      const bool expected = tokens_ns >= cost * per_token;
      const Duration wait = bucket.wait(now, limit, cost);
      ASSERT_EQ(wait.count(), std::max<std::int64_t>(0, cost * per_token - tokens_ns));
      ASSERT_EQ(bucket.take(now, limit, cost), expected) << "seed " << seed << " step " << step;
      tokens_ns -= expected ? cost * per_token : 0;
    }
  }
}

}  // namespace
}  // namespace wspush
