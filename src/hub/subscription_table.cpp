#include "hub/subscription_table.hpp"

#include <utility>

#include "base/check.hpp"

namespace wspush::hub {
namespace {

constexpr std::size_t kIndexSizeFirst = 64;

}  // namespace

SubscriptionTable::SubscriptionTable() : index_(kIndexSizeFirst, kNone) {
}

std::size_t SubscriptionTable::home_of(std::uint32_t topic, std::uint32_t slot) const {
  // Both numbers are ours, so nobody outside can aim at one place; mixing is enough.
  std::uint64_t x = (std::uint64_t{topic} << 32) | slot;
  x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15ULL;
  return static_cast<std::size_t>(x ^ (x >> 29)) & (index_.size() - 1);
}

std::uint32_t SubscriptionTable::find(std::uint32_t topic, std::uint32_t slot) const {
  for (std::size_t at = home_of(topic, slot);; at = (at + 1) & (index_.size() - 1)) {
    const std::uint32_t index = index_[at];
    if (index == kNone) {
      return kNone;
    }
    const Subscription& found = subscriptions_[index];
    if (found.topic == topic && found.slot == slot) {
      return index;
    }
  }
}

void SubscriptionTable::index_insert(std::uint32_t index) {
  const Subscription& added = subscriptions_[index];
  std::size_t at = home_of(added.topic, added.slot);
  while (index_[at] != kNone) {
    at = (at + 1) & (index_.size() - 1);
  }
  index_[at] = index;
}

void SubscriptionTable::index_grow() {
  index_.assign(index_.size() * 2, kNone);
  for (std::uint32_t index = 0; index < subscriptions_.size(); ++index) {
    if (subscriptions_[index].state != Subscription::State::kFree) {
      index_insert(index);
    }
  }
}

void SubscriptionTable::index_erase(std::uint32_t index) {
  const std::size_t mask = index_.size() - 1;
  const Subscription& removed = subscriptions_[index];
  std::size_t hole = home_of(removed.topic, removed.slot);
  while (index_[hole] != index) {
    hole = (hole + 1) & mask;
  }
  // Entries behind the hole move up, unless that would put them before their own home.
  for (std::size_t at = (hole + 1) & mask; index_[at] != kNone; at = (at + 1) & mask) {
    const Subscription& candidate = subscriptions_[index_[at]];
    const std::size_t home = home_of(candidate.topic, candidate.slot);
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      index_[hole] = index_[at];
      hole = at;
    }
  }
  index_[hole] = kNone;
}

std::uint32_t SubscriptionTable::add(std::uint32_t topic, std::uint32_t slot, WireForm form,
                                     Mode mode, bool is_of_stream) {
  if ((used_ + 1) * 4 > index_.size() * 3) {
    index_grow();
  }
  by_slot_.grow_to(slot + std::size_t{1});
  std::uint32_t index = free_subscription_;
  if (index != kNone) {
    free_subscription_ = subscriptions_[index].next;
  } else {
    index = static_cast<std::uint32_t>(subscriptions_.size());
    subscriptions_.grow_to(index + std::size_t{1});
  }
  BySlot& owner = by_slot_[slot];
  Subscription& added = subscriptions_[index];
  added = Subscription{};
  added.topic = topic;
  added.slot = slot;
  added.next = owner.first;
  added.form = form;
  added.mode = mode;
  added.state = Subscription::State::kMember;
  added.is_of_stream = is_of_stream;
  if (owner.first != kNone) {
    subscriptions_[owner.first].previous = index;
  }
  owner.first = index;
  owner.count += is_of_stream ? 0 : 1;
  streams_ += is_of_stream ? 1 : 0;
  ++used_;
  index_insert(index);
  return index;
}

void SubscriptionTable::remove(std::uint32_t index) {
  Subscription& removed = subscriptions_[index];
  WSPUSH_CHECK(removed.state != Subscription::State::kFree);
  if (removed.state != Subscription::State::kMember) {
    end_behind(index);
  }
  index_erase(index);
  BySlot& owner = by_slot_[removed.slot];
  (removed.previous == kNone ? owner.first : subscriptions_[removed.previous].next) = removed.next;
  if (removed.next != kNone) {
    subscriptions_[removed.next].previous = removed.previous;
  }
  owner.count -= removed.is_of_stream ? 0 : 1;
  streams_ -= removed.is_of_stream ? 1 : 0;
  --used_;
  removed.state = Subscription::State::kFree;
  removed.next = free_subscription_;
  free_subscription_ = index;
}

void SubscriptionTable::make_room_behind(std::uint32_t count) {
  while (behind_.size() - behind_used_ < count) {
    const auto place = static_cast<std::uint32_t>(behind_.size());
    behind_.grow_to(place + std::size_t{1});
    behind_[place].next = free_behind_;
    free_behind_ = place;
  }
}

void SubscriptionTable::put_behind(std::uint32_t index, std::uint32_t epoch, std::uint64_t cursor) {
  std::uint32_t place = free_behind_;
  if (place != kNone) {
    free_behind_ = behind_[place].next;
  } else {
    place = static_cast<std::uint32_t>(behind_.size());
    behind_.grow_to(place + std::size_t{1});
  }
  Subscription& subscription = subscriptions_[index];
  BySlot& owner = by_slot_[subscription.slot];
  Behind& added = behind_[place];
  added = {.cursor = cursor, .epoch = epoch, .subscription = index, .next = owner.first_behind};
  added.previous = owner.first_behind == kNone
                       ? place
                       : std::exchange(behind_[owner.first_behind].previous, place);
  owner.first_behind = place;
  subscription.state = Subscription::State::kBehind;
  subscription.place = place;
  ++behind_used_;
}

void SubscriptionTable::unlink_behind(BySlot& owner, std::uint32_t place) {
  const Behind& unlinked = behind_[place];
  (owner.first_behind == place ? owner.first_behind : behind_[unlinked.previous].next) =
      unlinked.next;
  // The first one that is left, where it was the last, has a new one to point to.
  const std::uint32_t follows = unlinked.next != kNone ? unlinked.next : owner.first_behind;
  if (follows != kNone) {
    behind_[follows].previous = unlinked.previous;
  }
}

void SubscriptionTable::serve_last(std::uint32_t place) {
  Behind& moved = behind_[place];
  if (moved.next == kNone) {
    return;
  }
  BySlot& owner = by_slot_[subscriptions_[moved.subscription].slot];
  unlink_behind(owner, place);
  const std::uint32_t last = std::exchange(behind_[owner.first_behind].previous, place);
  moved.previous = last;
  moved.next = kNone;
  behind_[last].next = place;
}

void SubscriptionTable::end_behind(std::uint32_t index) {
  Subscription& subscription = subscriptions_[index];
  Behind& ended = behind_[subscription.place];
  unlink_behind(by_slot_[subscription.slot], subscription.place);
  ended.subscription = kNone;
  ended.next = free_behind_;
  free_behind_ = subscription.place;
  subscription.place = kNone;
  subscription.state = Subscription::State::kMember;
  --behind_used_;
}

}  // namespace wspush::hub
