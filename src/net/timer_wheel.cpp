#include "net/timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/check.hpp"

namespace wspush::net {
namespace {

using std::chrono::milliseconds;

}  // namespace

TimerWheel::TimerWheel(TimePoint now) : origin_(now) {
  nodes_.grow_to(kHeads);
  for (Index head = 0; head < kHeads; ++head) {
    nodes_[head].next = nodes_[head].prev = head;
  }
}

void TimerWheel::make_room(std::uint32_t tokens) {
  nodes_.grow_to(kHeads + std::size_t{tokens});
}

void TimerWheel::append(Index head, Index node) {
  const Index last = nodes_[head].prev;
  nodes_[node].next = head;
  nodes_[node].prev = last;
  nodes_[last].next = node;
  nodes_[head].prev = node;
}

/// Moves all of `from` to the end of `to`. O(1).
void TimerWheel::append_all(Index to, Index from) {
  if (is_empty(from)) {
    return;
  }
  const Index first = nodes_[from].next;
  const Index last = nodes_[from].prev;
  nodes_[first].prev = nodes_[to].prev;
  nodes_[nodes_[to].prev].next = first;
  nodes_[last].next = to;
  nodes_[to].prev = last;
  nodes_[from].next = nodes_[from].prev = from;
}

void TimerWheel::unlink(Index node) {
  Node& unlinked = nodes_[node];
  nodes_[unlinked.prev].next = unlinked.next;
  nodes_[unlinked.next].prev = unlinked.prev;
  unlinked.next = unlinked.prev = kUnset;
}

void TimerWheel::schedule(std::uint32_t token, TimePoint deadline) {
  owner_.check();
  if (is_set(token)) {
    unlink(kHeads + token);
  }
  // Rounded up: never early. Ticks up to tick_ are over, so the next one is the soonest.
  const auto ahead = std::chrono::ceil<milliseconds>(deadline - time_of(tick_));
  place(kHeads + token,
        tick_ + static_cast<std::uint64_t>(
                    std::clamp(ahead, milliseconds(1), milliseconds(kHorizon)).count()));
}

void TimerWheel::cancel(std::uint32_t token) {
  owner_.check();
  if (is_set(token)) {
    unlink(kHeads + token);
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
    occupied_[next->level] &= ~(std::uint64_t{1} << next->slot);
    const Index head = head_of(next->level, next->slot);
    if (next->level == 0) {
      append_all(kDue, head);
    } else {
      let_fall(head);
    }
  }
  tick_ = std::max(tick_, reached);
}

/// The first occupied slot after the wheel's position. In each level only slots above the wheel's
/// own digit can hold entries, and any slot of a level comes before all of the next one.
std::optional<TimerWheel::Next> TimerWheel::find_next() {
  for (unsigned l = 0; l < kLevels; ++l) {
    std::uint64_t& occupied = occupied_[l];
    while (occupied != 0) {
      const auto slot = static_cast<unsigned>(std::countr_zero(occupied));
      if (!is_empty(head_of(l, slot))) {
        const unsigned shift = l * kDigitBits;
        const std::uint64_t digits_above = tick_ >> (shift + kDigitBits) << kDigitBits;
        return Next{l, slot, (digits_above | slot) << shift};
      }
      occupied &= occupied - 1;  // emptied by a cancel meanwhile
    }
  }
  return std::nullopt;
}

void TimerWheel::place(Index node, std::uint64_t tick) {
  nodes_[node].deadline_tick = static_cast<std::uint32_t>(tick);
  const std::uint64_t differing = tick ^ tick_;
  if (differing == 0) {
    append(kDue, node);  // fell from a slot that starts with this very tick
    return;
  }
  const unsigned l = (static_cast<unsigned>(std::bit_width(differing)) - 1) / kDigitBits;
  WSPUSH_CHECK(l < kLevels);
  const auto slot = static_cast<unsigned>(tick >> (l * kDigitBits)) % kSlots;
  append(head_of(l, slot), node);
  occupied_[l] |= std::uint64_t{1} << slot;
}

/// The wheel has come to the start of the list's slot: it goes to lower levels, or is due.
void TimerWheel::let_fall(Index head) {
  while (!is_empty(head)) {
    const Index node = nodes_[head].next;
    unlink(node);
    // The tick is ahead by less than 2^32, so its low 32 bits tell all of it.
    const std::uint32_t ahead = nodes_[node].deadline_tick - static_cast<std::uint32_t>(tick_);
    place(node, tick_ + ahead);
  }
}

std::uint64_t TimerWheel::tick_reached(TimePoint now) const {
  const auto since = std::chrono::floor<milliseconds>(now - origin_).count();
  return since < 0 ? 0 : static_cast<std::uint64_t>(since);
}

TimePoint TimerWheel::time_of(std::uint64_t tick) const {
  return origin_ + milliseconds(static_cast<std::int64_t>(tick));
}

}  // namespace wspush::net
