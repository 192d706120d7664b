#include "net/timer_wheel.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush::net {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart{1234567891234ns};
constexpr std::size_t kAll = 1'000'000;

/// With room for all tokens that are used here.
class Wheel : public TimerWheel {
 public:
  explicit Wheel(TimePoint now) : TimerWheel(now) { make_room(300'001); }
};

/// The tokens that fire at `now`.
std::vector<std::uint32_t> fired_at(TimerWheel& wheel, TimePoint now, std::size_t budget = kAll) {
  std::vector<std::uint32_t> tokens;
  wheel.expire(now, budget, [&](std::uint32_t token) { tokens.push_back(token); });
  return tokens;
}

using Tokens = std::vector<std::uint32_t>;

TEST(TimerWheel, FiresAtItsDeadlineAndNotBefore) {
  Wheel wheel(kStart);
  for (const Duration ahead : {Duration(1ns), Duration(1ms), Duration(1ms + 1ns), Duration(63ms),
                               Duration(64ms), Duration(65ms), Duration(4095ms), Duration(4096ms),
                               Duration(4097ms), Duration(50s), Duration(24h * 40)}) {
    Wheel fresh(kStart);
    const std::uint32_t entry = 7;
    fresh.schedule(entry, kStart + ahead);
    EXPECT_TRUE(fresh.is_set(entry));
    EXPECT_EQ(fired_at(fresh, kStart + ahead - 1ns), Tokens{}) << ahead.count();
    EXPECT_EQ(fired_at(fresh, kStart + ahead + 999'999ns), Tokens{7}) << ahead.count();
    EXPECT_FALSE(fresh.is_set(entry));
  }
}

TEST(TimerWheel, FiresEarlierTicksFirst) {
  Wheel wheel(kStart);
  for (const std::uint32_t ms : {5000U, 3U, 70U, 64U, 1U, 4096U, 300'000U}) {
    wheel.schedule(ms, kStart + std::chrono::milliseconds(ms));
  }
  EXPECT_EQ(fired_at(wheel, kStart + 1h), (Tokens{1, 3, 64, 70, 4096, 5000, 300'000}));
}

TEST(TimerWheel, MovesAnEntryThatIsSetAgain) {
  Wheel wheel(kStart);
  const std::uint32_t entry = 1;
  wheel.schedule(entry, kStart + 10ms);
  wheel.schedule(entry, kStart + 100s);
  EXPECT_EQ(fired_at(wheel, kStart + 99s), Tokens{});
  wheel.schedule(entry, kStart + 99s + 5ms);
  EXPECT_EQ(fired_at(wheel, kStart + 99s + 5ms), Tokens{1});
  EXPECT_EQ(fired_at(wheel, kStart + 200s), Tokens{});
}

TEST(TimerWheel, KeepsWhatTheBudgetLeavesInOrder) {
  Wheel wheel(kStart);
  for (std::uint32_t i = 0; i < 10; ++i) {
    wheel.schedule(i, kStart + std::chrono::milliseconds(10 + i));
  }
  EXPECT_EQ(fired_at(wheel, kStart + 1s, 3), (Tokens{0, 1, 2}));
  EXPECT_TRUE(wheel.has_due());
  EXPECT_LE(*wheel.next_deadline(), kStart + 1s);
  EXPECT_EQ(wheel.poll_timeout_ms(kStart + 1s, 1000), 0);
  wheel.cancel(4);
  const std::uint32_t later = 10;
  wheel.schedule(later, kStart + 1s + 1ms);
  EXPECT_EQ(fired_at(wheel, kStart + 2s, 4), (Tokens{3, 5, 6, 7}));
  EXPECT_EQ(fired_at(wheel, kStart + 2s), (Tokens{8, 9, 10}));
  EXPECT_FALSE(wheel.has_due());
}

TEST(TimerWheel, FiresADeadlineInThePastWithTheNextTick) {
  Wheel wheel(kStart);
  const std::uint32_t entry = 1;
  EXPECT_EQ(fired_at(wheel, kStart + 500ms), Tokens{});
  wheel.schedule(entry, kStart);
  EXPECT_EQ(fired_at(wheel, kStart + 500ms), Tokens{});
  EXPECT_EQ(fired_at(wheel, kStart + 501ms), Tokens{1});
}

TEST(TimerWheel, DoesNotFireAgainWithinTheCallThatSetIt) {
  Wheel wheel(kStart);
  const std::uint32_t entry = 1;
  wheel.schedule(entry, kStart + 1ms);
  int calls = 0;
  const auto again = [&](std::uint32_t due) {
    ++calls;
    wheel.schedule(due, kStart);
  };
  wheel.expire(kStart + 1s, kAll, again);
  EXPECT_EQ(calls, 1);
  wheel.expire(kStart + 1001ms, kAll, again);
  EXPECT_EQ(calls, 2);
  wheel.cancel(entry);
}

TEST(TimerWheel, LetsACallbackCancelMoveAndDestroyOthersThatAreDue) {
  Wheel wheel(kStart);
  const std::uint32_t first = 1;
  const std::uint32_t cancelled = 2;
  const std::uint32_t moved = 3;
  const std::uint32_t destroyed = 4;
  const std::uint32_t last = 5;
  for (const std::uint32_t token : {first, cancelled, moved, destroyed, last}) {
    wheel.schedule(token, kStart + 5ms);
  }
  Tokens tokens;
  wheel.expire(kStart + 6ms, kAll, [&](std::uint32_t due) {
    tokens.push_back(due);
    if (due == 1) {
      wheel.cancel(cancelled);
      wheel.schedule(moved, kStart + 8ms);
      wheel.cancel(destroyed);
    }
  });
  EXPECT_EQ(tokens, (Tokens{1, 5}));
  EXPECT_EQ(fired_at(wheel, kStart + 8ms), Tokens{3});
}

TEST(TimerWheel, MovesDeadlinesByAGapOfTheLoop) {
  Wheel wheel(kStart);
  const std::uint32_t soon = 1;
  const std::uint32_t later = 2;
  wheel.schedule(soon, kStart + 10s);
  wheel.schedule(later, kStart + 60s);
  EXPECT_EQ(fired_at(wheel, kStart + 1s), Tokens{});
  wheel.shift_all(90s);  // stopped from second 1 to second 91
  const std::uint32_t fresh = 3;
  wheel.schedule(fresh, kStart + 95s);
  EXPECT_EQ(fired_at(wheel, kStart + 91s), Tokens{});
  EXPECT_EQ(fired_at(wheel, kStart + 100s - 1ns), Tokens{3});
  EXPECT_EQ(fired_at(wheel, kStart + 100s), Tokens{1});
  EXPECT_EQ(fired_at(wheel, kStart + 150s - 1ns), Tokens{});
  EXPECT_EQ(fired_at(wheel, kStart + 150s), Tokens{2});
}

TEST(TimerWheel, FiresAtItsHorizonWhatIsFurtherAhead) {
  Wheel wheel(kStart);
  const std::uint32_t never = 1;
  wheel.schedule(never, TimePoint::max());
  EXPECT_EQ(fired_at(wheel, kStart + TimerWheel::kHorizon - 1ns), Tokens{});
  EXPECT_EQ(fired_at(wheel, kStart + TimerWheel::kHorizon), Tokens{1});
}

TEST(TimerWheel, TellsATimeoutThatIsRoundedUpAndBounded) {
  Wheel wheel(kStart);
  EXPECT_EQ(wheel.next_deadline(), std::nullopt);
  EXPECT_EQ(wheel.poll_timeout_ms(kStart, 250), 250);
  const std::uint32_t entry = 1;
  wheel.schedule(entry, kStart + 40ms);
  EXPECT_EQ(wheel.next_deadline(), kStart + 40ms);
  EXPECT_EQ(wheel.poll_timeout_ms(kStart, 250), 40);
  EXPECT_EQ(wheel.poll_timeout_ms(kStart + 1ns, 250), 40);
  EXPECT_EQ(wheel.poll_timeout_ms(kStart + 39ms + 1ns, 250), 1);
  EXPECT_EQ(wheel.poll_timeout_ms(kStart + 40ms, 250), 0);
  EXPECT_EQ(wheel.poll_timeout_ms(kStart, 30), 30);
  wheel.cancel(entry);
  EXPECT_EQ(wheel.next_deadline(), std::nullopt);
}

TEST(TimerWheel, WakesALoopThatFollowsItsTimeoutsAFewTimesOnly) {
  Wheel wheel(kStart);
  const std::uint32_t entry = 1;
  const TimePoint deadline = kStart + 50s + 123us;
  wheel.schedule(entry, deadline);
  TimePoint now = kStart;
  int wakes = 0;
  while (wheel.is_set(entry) && wakes < 100) {
    now += std::chrono::milliseconds(wheel.poll_timeout_ms(now, 60'000));
    fired_at(wheel, now);
    ++wakes;
  }
  EXPECT_GE(now, deadline);
  EXPECT_LT(now, deadline + 2ms);
  EXPECT_LE(wakes, 4);  // one for each level that it falls
}

TEST(TimerWheel, MakesRoomWhileTimersAreSetAndFromACallback) {
  TimerWheel wheel(kStart);
  wheel.make_room(1);
  wheel.schedule(0, kStart + 1ms);
  Tokens tokens;
  const auto grow = [&](std::uint32_t token) {
    tokens.push_back(token);
    if (token < 100'000) {
      const std::uint32_t next = token * 10 + 1;
      wheel.make_room(next + 1);
      wheel.schedule(next, kStart + 1ms * (next + 1));
    }
  };
  for (int turn = 0; turn < 10; ++turn) {
    wheel.expire(kStart + 1h * (turn + 1), kAll, grow);
  }
  EXPECT_EQ(tokens, (Tokens{0, 1, 11, 111, 1111, 11111, 111111}));
  wheel.make_room(1);  // never less
  EXPECT_FALSE(wheel.is_set(111'111));
}

/// A wheel beside the plainest thing that could be right: a sorted map from tick to entries.
class WheelAndModel {
 public:
  explicit WheelAndModel(std::uint64_t seed) : random_(seed) { wheel_.make_room(kTokens); }

  void step() {
    const std::uint64_t choice = random_.below(100);
    if (choice < 60) {
      set_any();
    } else if (choice < 75) {
      cancel_any();
    } else if (choice < 76) {
      shift();
    } else {
      turn();
    }
  }

  std::uint64_t fired() const { return fired_; }
  TimePoint now() const { return now_; }
  void cancel_everything() {
    for (std::uint32_t token = 0; token < kTokens; ++token) {
      wheel_.cancel(token);
    }
    EXPECT_EQ(wheel_.next_deadline(), std::nullopt);
  }

 private:
  static constexpr std::uint32_t kTokens = 200;

  /// Lengths of every order of magnitude, from nanoseconds to 2^`bits` of them.
  Duration any_length(unsigned bits) {
    return Duration(
        static_cast<Duration::rep>(random_.below(std::uint64_t{1} << (1 + random_.below(bits)))));
  }

  std::int64_t tick_up(TimePoint time) const {
    return std::chrono::ceil<std::chrono::milliseconds>(time - origin_).count();
  }

  void set_any() {
    const auto i = static_cast<std::uint32_t>(random_.below(kTokens));
    const bool is_past = random_.below(20) == 0;
    const TimePoint deadline = is_past ? now_ - any_length(33) : now_ + any_length(51);
    wheel_.schedule(i, deadline);
    forget(i);
    deadlines_[i] = deadline;
    ticks_[i] = std::max(tick_up(deadline), tick_ + 1);
    order_.insert({ticks_[i], i});
  }

  void cancel_any() {
    const auto i = static_cast<std::uint32_t>(random_.below(kTokens));
    wheel_.cancel(i);
    forget(i);
  }

  void forget(std::uint32_t i) {
    if (ticks_.count(i) != 0) {
      order_.erase({ticks_[i], i});
      ticks_.erase(i);
    }
    ASSERT_EQ(order_.size(), ticks_.size());
  }

  void shift() {
    const Duration gap = any_length(43);
    wheel_.shift_all(gap);
    origin_ += gap;
    now_ += gap;
    for (auto& [i, deadline] : deadlines_) {
      if (ticks_.count(i) != 0 && ticks_[i] > tick_) {
        deadline += gap;
      }
    }
  }

  void turn() {
    if (const auto bound = wheel_.next_deadline(); wheel_.has_due()) {
      ASSERT_TRUE(bound);
      ASSERT_LE(*bound, now_);
      ASSERT_EQ(wheel_.poll_timeout_ms(now_, 1000), 0);
    } else if (!order_.empty()) {
      ASSERT_TRUE(bound);
      ASSERT_LE(*bound, origin_ + std::chrono::milliseconds(order_.begin()->first));
    } else {
      ASSERT_FALSE(bound);
    }
    now_ += any_length(random_.below(10) == 0 ? 50 : 36);
    tick_ = std::max(tick_, (now_ - origin_) / std::chrono::milliseconds(1));
    const std::size_t budget = random_.below(3) == 0 ? random_.below(20) : kAll;
    const std::size_t fired = wheel_.expire(now_, budget, [this](std::uint32_t due) { fire(due); });
    ASSERT_LE(fired, budget);
    const bool some_due = !order_.empty() && order_.begin()->first <= tick_;
    ASSERT_EQ(wheel_.has_due(), some_due);
    ASSERT_TRUE(fired == budget || !some_due);
  }

  void fire(std::uint32_t i) {
    ++fired_;
    ASSERT_FALSE(wheel_.is_set(i));
    ASSERT_EQ(ticks_.count(i), 1U) << "fired without being set";
    ASSERT_EQ(ticks_[i], order_.begin()->first) << "fired out of order";
    ASSERT_LE(deadlines_[i], now_) << "fired early";
    forget(i);
    for (std::uint64_t more = random_.below(4); more > 0; --more) {
      random_.below(3) == 0 ? cancel_any() : set_any();
    }
  }

  SplitMix64 random_;
  TimePoint now_ = kStart;
  TimePoint origin_ = kStart;
  std::int64_t tick_ = 0;
  TimerWheel wheel_{kStart};
  std::map<std::uint32_t, TimePoint> deadlines_;
  std::map<std::uint32_t, std::int64_t> ticks_;
  std::set<std::pair<std::int64_t, std::uint32_t>> order_;
  std::uint64_t fired_ = 0;
};

TEST(TimerWheel, AgreesWithASortedMapUnderRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    WheelAndModel both(seed);
    for (int i = 0; i < 20'000 && !::testing::Test::HasFatalFailure(); ++i) {
      both.step();
    }
    ASSERT_FALSE(::testing::Test::HasFatalFailure());
    EXPECT_GT(both.fired(), 5'000U);
    EXPECT_GT(both.now() - kStart, TimerWheel::kHorizon) << "32 bits of ticks never wrapped";
    both.cancel_everything();
  }
}

}  // namespace
}  // namespace wspush::net
