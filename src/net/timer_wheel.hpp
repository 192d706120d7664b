#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "wspush/base/clock.hpp"

#include "base/check.hpp"
#include "net/owner_thread.hpp"

namespace wspush::net {

struct TimerLinks {
  TimerLinks* next = nullptr;
  TimerLinks* prev = nullptr;
};

/// A timer, inside the object that it belongs to (24 bytes, never moved while set). `token` is the
/// owner's own: what the timer is for, or the slot of its connection. Cancel it before it dies.
struct TimerEntry : TimerLinks {
  std::uint32_t deadline_tick = 0;  ///< the wheel's; the low 32 bits of a millisecond count
  std::uint32_t token = 0;

  TimerEntry() = default;
  explicit TimerEntry(std::uint32_t its_token) : token(its_token) {}
  TimerEntry(const TimerEntry&) = delete;
  TimerEntry& operator=(const TimerEntry&) = delete;
  ~TimerEntry() { WSPUSH_ASSERT(!is_set()); }

  bool is_set() const { return next != nullptr; }
};
static_assert(sizeof(TimerEntry) == 24);

/// Timers of one reactor at 1 ms: O(1) to set, move and cancel, and no memory but its own 7 KiB.
///
///   level 0: 64 slots of 1 ms    level 1: 64 slots of 64 ms    level 2: 64 of 4.1 s    ...
///
/// An entry lies in the level of the highest 6-bit digit in which its tick differs from the
/// wheel's, in the slot of that digit. When the wheel's own digit reaches the slot, its entries
/// fall to lower levels; from level 0 they are due. Each entry falls at most once per level.
///
/// A timer is never early, and late by less than 1 ms plus what the loop is late (but one set more
/// than kHorizon ahead fires at the horizon; the owner looks at the time and sets it again).
/// Thread: its reactor (checked in debug builds). Nothing here throws or allocates.
class TimerWheel {
 public:
  /// 49.7 days: what 32 bits of milliseconds can tell apart.
  static constexpr std::chrono::milliseconds kHorizon{0xffffffffLL};

  /// `now` becomes tick 0.
  explicit TimerWheel(TimePoint now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  /// Forgets what is still set.
  ~TimerWheel();

  /// Sets `entry` to fire at `deadline`, or moves it there. A deadline that has passed fires with
  /// the next tick, never within the call of expire() it is set in.
  void schedule(TimerEntry& entry, TimePoint deadline);

  /// After this `entry` will not fire, even if it was due already. Nothing happens if it is not
  /// set.
  void cancel(TimerEntry& entry);

  /// Calls `fire(TimerEntry&)` for what is due at `now`, earliest tick first, at most `budget` of
  /// them; the rest stays due, in order, for the next call. An entry is unset before its call; the
  /// callback may set and cancel it and any other, and destroy its owner.
  ///
  /// Returns how many were fired. `has_due()` tells if some are left: poll with no timeout then.
  /// Cost: O(fired + entries that fell a level + slots passed that hold any). A `now` before the
  /// one of the last call is taken as that one.
  template <typename F>
  std::size_t expire(TimePoint now, std::size_t budget, F&& fire) {
    advance(now);
    std::size_t fired = 0;
    while (fired < budget && due_.next != &due_) {
      TimerEntry& entry = *static_cast<TimerEntry*>(due_.next);
      unlink(entry);
      ++fired;
      fire(entry);
    }
    return fired;
  }

  bool has_due() const { return due_.next != &due_; }

  /// No entry is due before this; none if nothing is set. A lower bound: entries far ahead are
  /// told by the start of their slot, at which expire() lets them fall. With has_due() it is the
  /// time of the last expire(). Cost: O(levels).
  std::optional<TimePoint> next_deadline();

  /// next_deadline() as a timeout for epoll: milliseconds from `now`, rounded up (so that it does
  /// not wake just too early and spin), at most `longest_ms`.
  int poll_timeout_ms(TimePoint now, int longest_ms);

  /// Moves every deadline by `gap`, after the process has been stopped for that long; call it
  /// before the expire() that would otherwise fire them all. What was due already stays due. O(1).
  void shift_all(Duration gap);

 private:
  static constexpr unsigned kDigitBits = 6;
  static constexpr unsigned kSlots = 1U << kDigitBits;
  static constexpr unsigned kLevels = 7;  // 2^42 ms: 139 years of uptime

  struct Level {
    std::uint64_t occupied = 0;  ///< a set bit may be stale: its slot emptied by a cancel
    std::array<TimerLinks, kSlots> slots;
  };
  /// The next thing to do: entries of `slot` in `level`, from `tick` on.
  struct Next {
    unsigned level;
    unsigned slot;
    std::uint64_t tick;
  };

  void advance(TimePoint now);
  std::optional<Next> find_next();
  void place(TimerEntry& entry, std::uint64_t tick);
  void let_fall(TimerLinks& slot);
  std::uint64_t tick_reached(TimePoint now) const;
  TimePoint time_of(std::uint64_t tick) const;
  static void unlink(TimerEntry& entry);
  static void forget_all(TimerLinks& list);

  TimePoint origin_;
  std::uint64_t tick_ = 0;  ///< everything up to and with this tick is due or gone
  TimerLinks due_;
  std::array<Level, kLevels> levels_;
  OwnerThread owner_;
};

}  // namespace wspush::net
