#include "base/short_time.hpp"

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush {
namespace {

using namespace std::chrono_literals;

TEST(ShortTime, KeepsTheMillisecondOnTheSideThatIsAskedFor) {
  const TimePoint now{5s};
  EXPECT_EQ(ShortTime::before(TimePoint(1234567ns)).at(now), TimePoint(1ms));
  EXPECT_EQ(ShortTime::after(TimePoint(1234567ns)).at(now), TimePoint(2ms));
  EXPECT_EQ(ShortTime::before(TimePoint(3ms)).at(now), TimePoint(3ms));
  EXPECT_EQ(ShortTime::after(TimePoint(3ms)).at(now), TimePoint(3ms));
}

TEST(ShortTime, IsReadBackFromAnywhereWithinItsReach) {
  SplitMix64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    // Up to nine years of uptime: the 32 bits have wrapped many times.
    const TimePoint now{std::chrono::nanoseconds(random.below(std::uint64_t{1} << 58))};
    const auto reach = static_cast<std::uint64_t>(Duration(ShortTime::kReach).count());
    const auto away = static_cast<std::int64_t>(random.below(2 * reach + 1));
    const TimePoint moment = now - ShortTime::kReach + Duration(away);
    const TimePoint before = ShortTime::before(moment).at(now);
    ASSERT_LE(before, moment);
    ASSERT_LT(moment - before, 1ms);
    const TimePoint after = ShortTime::after(moment).at(now);
    ASSERT_GE(after, moment);
    ASSERT_LT(after - moment, 1ms);
  }
}

TEST(ShortTime, MeansAnotherMomentWhenItIsReadTooLate) {
  const TimePoint now{std::chrono::hours(24 * 365)};
  const Duration wrap = std::chrono::milliseconds(std::int64_t{1} << 32);
  EXPECT_EQ(ShortTime::before(now).at(now + 1h), now);
  EXPECT_EQ(ShortTime::before(now).at(now + wrap), now + wrap);
}

}  // namespace
}  // namespace wspush
