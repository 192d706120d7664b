#include "door/heartbeat.hpp"

#include <set>

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

TEST(Heartbeat, PingsOfOneStepGoTogetherAndNoneIsLate) {
  const struct {
    Duration interval;
    Duration step;
  } kRows[] = {{seconds(50), milliseconds(32)},
               {seconds(1), std::chrono::microseconds(31'250)},
               {milliseconds(64), milliseconds(2)}};
  for (const auto& row : kRows) {
    const HeartbeatIntervals intervals{row.interval, seconds(10)};
    std::set<TimePoint> moments;
    for (int i = 0; i < 1000; ++i) {
      const TimePoint quiet_since = at(0) + row.interval * i / 1000;
      const HeartbeatDecision decision =
          look_at_heartbeat(quiet_since, {quiet_since, quiet_since, TimePoint{}}, intervals);
      ASSERT_EQ(decision.action, HeartbeatAction::kWait);
      ASSERT_LE(decision.next, quiet_since + row.interval);
      ASSERT_GT(decision.next, quiet_since + row.interval - row.step);
      ASSERT_EQ(look_at_heartbeat(decision.next, {quiet_since, quiet_since, TimePoint{}}, intervals)
                    .action,
                HeartbeatAction::kPing);
      moments.insert(decision.next);
    }
    const auto steps = static_cast<std::size_t>(row.interval / row.step);
    EXPECT_GE(moments.size(), std::min<std::size_t>(steps, 990));
    EXPECT_LE(moments.size(), steps + 2);
  }
}

TEST(Heartbeat, IsLostExactlyAtItsTime) {
  const HeartbeatTimes times{at(55), at(0), at(50)};
  EXPECT_EQ(look_at_heartbeat(at(60) - Duration(1), times, kIntervals).action,
            HeartbeatAction::kWait);
  EXPECT_EQ(look_at_heartbeat(at(60), times, kIntervals).action, HeartbeatAction::kLost);
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
