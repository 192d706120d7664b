#include "door/heartbeat.hpp"

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush::door {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr HeartbeatIntervals kIntervals{seconds(50), seconds(10)};
constexpr TimePoint at(int second) {
  return TimePoint(seconds(1000 + second));
}

TEST(Heartbeat, DecidesAsInTheTable) {
  const struct {
    int now;
    int sent;
    int heard;
    int ping;
    HeartbeatAction action;
    int next;
  } kRows[] = {
      // Traffic both ways: wait until either is silent for the interval.
      {0, 0, 0, -900, HeartbeatAction::kWait, 50},
      {20, 10, 15, -900, HeartbeatAction::kWait, 60},
      {20, 15, 10, -900, HeartbeatAction::kWait, 60},
      {49, 0, 0, -900, HeartbeatAction::kWait, 50},
      {50, 0, 0, -900, HeartbeatAction::kPing, 60},
      // Nothing sent, though it talks; nothing heard, though it is talked to.
      {50, 0, 49, -900, HeartbeatAction::kPing, 100},
      {50, 49, 0, -900, HeartbeatAction::kPing, 60},
      // Asked at 50 and silent: not again, lost exactly at 60.
      {51, 50, 0, 50, HeartbeatAction::kWait, 60},
      {59, 58, 0, 50, HeartbeatAction::kWait, 60},
      {60, 60, 0, 50, HeartbeatAction::kLost, 60},
      // It answered.
      {51, 50, 51, 50, HeartbeatAction::kWait, 100},
      {100, 50, 51, 50, HeartbeatAction::kPing, 111},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(::testing::Message() << row.now << " " << row.sent << " " << row.heard);
    const HeartbeatDecision decision =
        look_at_heartbeat(at(row.now), {at(row.sent), at(row.heard), at(row.ping)}, kIntervals);
    EXPECT_EQ(decision.action, row.action);
    if (decision.action != HeartbeatAction::kLost) {
      EXPECT_EQ(decision.next, std::min(at(row.next), decision.next));
      EXPECT_GT(decision.next, at(row.now));
    }
  }
}

TEST(Heartbeat, IsLostExactlyAtItsTime) {
  const HeartbeatTimes times{at(55), at(0), at(50)};
  EXPECT_EQ(look_at_heartbeat(at(60) - Duration(1), times, kIntervals).action,
            HeartbeatAction::kWait);
  EXPECT_EQ(look_at_heartbeat(at(60), times, kIntervals).action, HeartbeatAction::kLost);
}

TEST(Heartbeat, LooksAtAllThatAreDueWithinTenMillisecondsTogether) {
  const TimePoint now = at(0);
  EXPECT_EQ(look_together(now, at(7) + milliseconds(19), kIntervals), at(7) + milliseconds(10));
  EXPECT_EQ(look_together(now, at(7) + milliseconds(10), kIntervals), at(7) + milliseconds(10));
  EXPECT_EQ(look_together(now, at(7) + milliseconds(9), kIntervals), at(7));
  EXPECT_EQ(look_together(now, now + milliseconds(9), kIntervals), now + milliseconds(9))
      << "none of the moments is ahead";
  const HeartbeatIntervals short_ones{milliseconds(64), milliseconds(10)};
  EXPECT_EQ(look_together(now, now + milliseconds(9) + Duration(5), short_ones),
            now + milliseconds(9));
}

TEST(Heartbeat, PingsWhoIsDueBeforeTheNextLook) {
  const HeartbeatTimes times{at(0), at(0), TimePoint{}};
  EXPECT_EQ(look_at_heartbeat(at(50) - milliseconds(11), times, kIntervals).action,
            HeartbeatAction::kWait);
  EXPECT_EQ(look_at_heartbeat(at(50) - milliseconds(10), times, kIntervals).action,
            HeartbeatAction::kPing);
}

/// The look that was brought forward finds what it was for: there is no second one.
TEST(Heartbeat, OneLookIsEnoughForAPing) {
  SplitMix64 random(3);
  for (int round = 0; round < 1000; ++round) {
    const HeartbeatIntervals intervals{milliseconds(1000 + random.below(60'000)), seconds(10)};
    const TimePoint begin = at(0) + Duration(random.below(1'000'000'000));
    HeartbeatTimes times{begin, begin, TimePoint{}};
    const HeartbeatDecision first = look_at_heartbeat(begin, times, intervals);
    ASSERT_EQ(first.action, HeartbeatAction::kWait);
    const TimePoint look = look_together(begin, first.next, intervals);
    ASSERT_GT(look, begin);
    ASSERT_LE(look, begin + intervals.ping_interval);
    ASSERT_EQ(look_at_heartbeat(look, times, intervals).action, HeartbeatAction::kPing);
  }
}

TEST(Heartbeat, NeverLetsTheWireBeSilentLongerThanTheIntervalNorASilentPeerLive) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    SplitMix64 random(seed);
    const HeartbeatIntervals intervals{milliseconds(50 + random.below(50)),
                                       milliseconds(1 + random.below(120))};
    HeartbeatTimes times{at(0), at(0), TimePoint{}};
    TimePoint next = at(0) + milliseconds(random.below(50));
    const std::uint64_t talks = random.below(60);  // one send in so many milliseconds, or none
    const std::uint64_t hears = random.below(100);
    int pings_unanswered = 0;
    for (int i = 1; i < 2000; ++i) {
      const TimePoint now = at(0) + milliseconds(i);
      if (talks > 0 && random.below(talks) == 0) {
        times.last_sent = now;
      }
      if (hears > 0 && random.below(hears) == 0) {
        times.last_heard = now;
        pings_unanswered = 0;
      }
      if (now >= next) {
        const HeartbeatDecision decision = look_at_heartbeat(now, times, intervals);
        if (decision.action == HeartbeatAction::kLost) {
          ASSERT_EQ(now - times.last_heard, intervals.ping_interval + intervals.pong_timeout);
          break;
        }
        if (decision.action == HeartbeatAction::kPing) {
          times.last_ping = times.last_sent = now;
          ++pings_unanswered;
        }
        ASSERT_GT(decision.next, now);
        next = decision.next;
      }
      ASSERT_LT(now - times.last_sent, intervals.ping_interval);
      ASSERT_LT(now - times.last_heard, intervals.ping_interval + intervals.pong_timeout);
      ASSERT_TRUE(now - times.last_heard < intervals.ping_interval || pings_unanswered > 0)
          << "a silent peer was not asked";
      ASSERT_LE(pings_unanswered,
                1 + (intervals.ping_interval + intervals.pong_timeout) / intervals.ping_interval);
    }
  }
}

}  // namespace
}  // namespace wspush::door
