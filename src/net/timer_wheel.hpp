#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "wspush/base/clock.hpp"

#include "base/chunked_array.hpp"
#include "net/owner_thread.hpp"

namespace wspush::net {

/// Timers of one reactor at 1 ms: O(1) to set, move and cancel.
///
/// A timer is named by its token, a small number of its owner's: the slot of a connection. Each
/// token has one timer. They stand in one dense table, 12 bytes a token, and are linked by indices
/// into it: a connection without pointers to its neighbours is 12 bytes smaller, and the walk over
/// a list stays in the table.
///
///   level 0: 64 slots of 1 ms    level 1: 64 slots of 64 ms    level 2: 64 of 4.1 s    ...
///
/// An entry lies in the level of the highest 6-bit digit in which its tick differs from the
/// wheel's, in the slot of that digit. When the wheel's own digit reaches the slot, its entries
/// fall to lower levels; from level 0 they are due. Each entry falls at most once per level.
///
/// A timer is never early, and late by less than 1 ms plus what the loop is late (but one set more
/// than kHorizon ahead fires at the horizon; the owner looks at the time and sets it again).
/// Thread: its reactor (checked in debug builds). Nothing but make_room() throws or allocates.
class TimerWheel {
 public:
  /// 49.7 days: what 32 bits of milliseconds can tell apart.
  static constexpr std::chrono::milliseconds kHorizon{0xffffffffLL};

  /// `now` becomes tick 0.
  explicit TimerWheel(TimePoint now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// From now on tokens below `tokens` may be used. May throw bad_alloc; nothing has changed then.
  /// Amortised O(1) where it grows by one.
  void make_room(std::uint32_t tokens);

  /// Sets the timer of `token` to fire at `deadline`, or moves it there. A deadline that has passed
  /// fires with the next tick, never within the call of expire() it is set in.
  void schedule(std::uint32_t token, TimePoint deadline);

  /// After this it will not fire, even if it was due already. Nothing happens if it is not set.
  void cancel(std::uint32_t token);

  bool is_set(std::uint32_t token) const { return nodes_[kHeads + token].next != kUnset; }

  /// Calls `fire(token)` for what is due at `now`, earliest tick first, at most `budget` of them;
  /// the rest stays due, in order, for the next call. A timer is unset before its call; the
  /// callback may set and cancel it and any other, make room, and destroy its owner.
  ///
  /// Returns how many were fired. `has_due()` tells if some are left: poll with no timeout then.
  /// Cost: O(fired + entries that fell a level + slots passed that hold any). A `now` before the
  /// one of the last call is taken as that one.
  template <typename F>
  std::size_t expire(TimePoint now, std::size_t budget, F&& fire) {
    advance(now);
    std::size_t fired = 0;
    while (fired < budget && has_due()) {
      const Index due = nodes_[kDue].next;
      unlink(due);
      ++fired;
      fire(due - kHeads);
    }
    return fired;
  }

  bool has_due() const { return !is_empty(kDue); }

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

  /// An index into `nodes_`. First come the heads of the lists, those of level 0 before those of
  /// level 1 and so on, then one node for each token.
  using Index = std::uint32_t;
  static constexpr Index kDue = kLevels * kSlots;
  static constexpr Index kHeads = kDue + 1;
  static constexpr Index kUnset = 0xffffffff;

  struct Node {
    Index next = kUnset;
    Index prev = kUnset;
    std::uint32_t deadline_tick = 0;  ///< the low 32 bits of a millisecond count
  };
  static_assert(sizeof(Node) == 12);
  /// The next thing to do: entries of `slot` in `level`, from `tick` on.
  struct Next {
    unsigned level;
    unsigned slot;
    std::uint64_t tick;
  };

  static constexpr Index head_of(unsigned level, unsigned slot) { return level * kSlots + slot; }
  /// An empty list is a head that points to itself.
  bool is_empty(Index head) const { return nodes_[head].next == head; }
  void append(Index head, Index node);
  void append_all(Index to, Index from);
  void unlink(Index node);
  void advance(TimePoint now);
  std::optional<Next> find_next();
  void place(Index node, std::uint64_t tick);
  void let_fall(Index head);
  std::uint64_t tick_reached(TimePoint now) const;
  TimePoint time_of(std::uint64_t tick) const;

  TimePoint origin_;
  std::uint64_t tick_ = 0;  ///< everything up to and with this tick is due or gone
  ChunkedArray<Node> nodes_;
  /// By level: lists that may hold something. A set bit may be stale: emptied by a cancel.
  std::array<std::uint64_t, kLevels> occupied_{};
  OwnerThread owner_;
};

}  // namespace wspush::net
