#include "net/timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace wspush::net {
namespace {

using std::chrono::milliseconds;

/// An empty list is a head that points to itself.
void make_empty(TimerLinks& head) {
  head.next = &head;
  head.prev = &head;
}

void append(TimerLinks& head, TimerLinks& entry) {
  entry.next = &head;
  entry.prev = head.prev;
  head.prev->next = &entry;
  head.prev = &entry;
}

/// Moves all of `from` to the end of `to`. O(1).
void append_all(TimerLinks& to, TimerLinks& from) {
  if (from.next == &from) {
    return;
  }
  from.next->prev = to.prev;
  to.prev->next = from.next;
  from.prev->next = &to;
  to.prev = from.prev;
  make_empty(from);
}

}  // namespace

TimerWheel::TimerWheel(TimePoint now) : origin_(now) {
  make_empty(due_);
  for (Level& level : levels_) {
    for (TimerLinks& slot : level.slots) {
      make_empty(slot);
    }
  }
}

TimerWheel::~TimerWheel() {
  forget_all(due_);
  for (Level& level : levels_) {
    for (TimerLinks& slot : level.slots) {
      forget_all(slot);
    }
  }
}

void TimerWheel::schedule(TimerEntry& entry, TimePoint deadline) {
  owner_.check();
  if (entry.is_set()) {
    unlink(entry);
  }
  // Rounded up: never early. Ticks up to tick_ are over, so the next one is the soonest.
  const auto ahead = std::chrono::ceil<milliseconds>(deadline - time_of(tick_));
  place(entry, tick_ + static_cast<std::uint64_t>(
                           std::clamp(ahead, milliseconds(1), milliseconds(kHorizon)).count()));
}

void TimerWheel::cancel(TimerEntry& entry) {
  owner_.check();
  if (entry.is_set()) {
    unlink(entry);
  }
}

std::optional<TimePoint> TimerWheel::next_deadline() {
  owner_.check();
  if (has_due()) {
    return time_of(tick_);
  }
  const auto next = find_next();
  if (!next) {
    return std::nullopt;
  }
  return time_of(next->tick);
}

int TimerWheel::poll_timeout_ms(TimePoint now, int longest_ms) {
  if (has_due()) {
    return 0;  // whatever a shift made of its time
  }
  const auto deadline = next_deadline();
  if (!deadline) {
    return longest_ms;
  }
  const auto ahead = std::chrono::ceil<milliseconds>(*deadline - now);
  return static_cast<int>(std::clamp(ahead, milliseconds(0), milliseconds(longest_ms)).count());
}

void TimerWheel::shift_all(Duration gap) {
  owner_.check();
  origin_ += gap;
}

void TimerWheel::advance(TimePoint now) {
  owner_.check();
  const std::uint64_t reached = tick_reached(now);
  for (auto next = find_next(); next && next->tick <= reached; next = find_next()) {
    tick_ = next->tick;
    Level& level = levels_[next->level];
    level.occupied &= ~(std::uint64_t{1} << next->slot);
    if (next->level == 0) {
      append_all(due_, level.slots[next->slot]);
    } else {
      let_fall(level.slots[next->slot]);
    }
  }
  tick_ = std::max(tick_, reached);
}

/// The first occupied slot after the wheel's position. In each level only slots above the wheel's
/// own digit can hold entries, and any slot of a level comes before all of the next one.
std::optional<TimerWheel::Next> TimerWheel::find_next() {
  for (unsigned l = 0; l < kLevels; ++l) {
    Level& level = levels_[l];
    while (level.occupied != 0) {
      const auto slot = static_cast<unsigned>(std::countr_zero(level.occupied));
      if (level.slots[slot].next != &level.slots[slot]) {
        const unsigned shift = l * kDigitBits;
        const std::uint64_t digits_above = tick_ >> (shift + kDigitBits) << kDigitBits;
        return Next{l, slot, (digits_above | slot) << shift};
      }
      level.occupied &= level.occupied - 1;  // emptied by a cancel meanwhile
    }
  }
  return std::nullopt;
}

void TimerWheel::place(TimerEntry& entry, std::uint64_t tick) {
  entry.deadline_tick = static_cast<std::uint32_t>(tick);
  const std::uint64_t differing = tick ^ tick_;
  if (differing == 0) {
    append(due_, entry);  // fell from a slot that starts with this very tick
    return;
  }
  const unsigned l = (static_cast<unsigned>(std::bit_width(differing)) - 1) / kDigitBits;
  WSPUSH_CHECK(l < kLevels);
  const auto slot = static_cast<unsigned>(tick >> (l * kDigitBits)) % kSlots;
  append(levels_[l].slots[slot], entry);
  levels_[l].occupied |= std::uint64_t{1} << slot;
}

/// The wheel has come to the start of `slot`: its entries go to lower levels, or are due.
void TimerWheel::let_fall(TimerLinks& slot) {
  while (slot.next != &slot) {
    TimerEntry& entry = *static_cast<TimerEntry*>(slot.next);
    unlink(entry);
    // The tick is ahead by less than 2^32, so its low 32 bits tell all of it.
    const std::uint32_t ahead = entry.deadline_tick - static_cast<std::uint32_t>(tick_);
    place(entry, tick_ + ahead);
  }
}

std::uint64_t TimerWheel::tick_reached(TimePoint now) const {
  const auto since = std::chrono::floor<milliseconds>(now - origin_).count();
  return since < 0 ? 0 : static_cast<std::uint64_t>(since);
}

TimePoint TimerWheel::time_of(std::uint64_t tick) const {
  return origin_ + milliseconds(static_cast<std::int64_t>(tick));
}

void TimerWheel::unlink(TimerEntry& entry) {
  entry.prev->next = entry.next;
  entry.next->prev = entry.prev;
  entry.next = nullptr;
  entry.prev = nullptr;
}

void TimerWheel::forget_all(TimerLinks& list) {
  while (list.next != &list) {
    unlink(*static_cast<TimerEntry*>(list.next));
  }
}

}  // namespace wspush::net
