#pragma once

#include <cstdint>
#include <vector>

#include "wspush/hub/subscriber.hpp"

#include "base/chunked_array.hpp"

namespace wspush::hub {

inline constexpr std::uint32_t kNone = 0xffff'ffff;

/// One subscription: 24 bytes, with 8 in the topic's member array and 4 to 8 in the index.
struct Subscription {
  enum class State : std::uint8_t {
    kFree,
    kMember,   ///< stands in a member array of its topic, at `place`
    kBehind,   ///< has a Behind record, at `place`; the connection's flush brings it forward
    kJoining,  ///< the same, and caught up: enters the array when that has come as far
  };
  std::uint32_t topic;             ///< slot of the topic in the hub
  std::uint32_t slot;              ///< connection
  std::uint32_t previous = kNone;  ///< of the same connection
  std::uint32_t next = kNone;
  std::uint32_t place = kNone;
  WireForm form = WireForm::kWspushV1;
  Mode mode = Mode::kAll;
  State state = State::kFree;
  PresenceRole role : 2 = PresenceRole::kNone;
  bool is_present : 1 = false;    ///< its user is a member because of it, too
  bool is_watching : 1 = false;   ///< its connection is subscribed to the topic's stream
  bool is_of_stream : 1 = false;  ///< the topic is such a stream: nobody asked for it by its name
};
static_assert(sizeof(Subscription) == 24);

/// The cursor of a subscription that does not have everything that the member array has.
struct Behind {
  std::uint64_t cursor = 0;  ///< offset of the last message that it got (or that is half out)
  std::uint32_t epoch = 0;
  std::uint32_t subscription = kNone;
  std::uint32_t previous = kNone;  ///< of the same connection; of the first: the last
  std::uint32_t next = kNone;
};
static_assert(sizeof(Behind) == 24);

/// All subscriptions of one reactor: by connection, and by (topic, connection). O(1) each.
/// Indices stay valid until `remove`. Thread: the reactor's own.
class SubscriptionTable {
 public:
  SubscriptionTable();

  /// The pair must not be there yet. One of a presence stream is not counted. It stands nowhere: it
  /// is a member without a place, until the caller gives it one.
  /// May throw bad_alloc; nothing has changed then.
  std::uint32_t add(std::uint32_t topic, std::uint32_t slot, WireForm form, Mode mode,
                    bool is_of_stream = false);
  /// kNone when the connection is not subscribed to the topic.
  std::uint32_t find(std::uint32_t topic, std::uint32_t slot) const;
  /// Forgets it, and its Behind record if it has one.
  void remove(std::uint32_t index);

  Subscription& operator[](std::uint32_t index) { return subscriptions_[index]; }
  const Subscription& operator[](std::uint32_t index) const { return subscriptions_[index]; }
  std::uint32_t count_of(std::uint32_t slot) const {
    return slot < by_slot_.size() ? by_slot_[slot].count : 0;
  }
  std::uint32_t first_of(std::uint32_t slot) const {
    return slot < by_slot_.size() ? by_slot_[slot].first : kNone;
  }
  std::uint32_t first_behind_of(std::uint32_t slot) const {
    return slot < by_slot_.size() ? by_slot_[slot].first_behind : kNone;
  }

  /// The next `count` calls of `put_behind` will not throw. May throw bad_alloc itself.
  void make_room_behind(std::uint32_t count);
  /// Gives the subscription a cursor of its own; it must not have one. May throw bad_alloc; nothing
  /// has changed then.
  void put_behind(std::uint32_t index, std::uint32_t epoch, std::uint64_t cursor);
  /// Takes the cursor away: state kMember, no place yet, which is the caller's to set.
  void end_behind(std::uint32_t index);
  /// Puts the record last among those of its connection: the others come first the next time.
  void serve_last(std::uint32_t place);
  Behind& behind(const Subscription& subscription) { return behind_[subscription.place]; }
  Behind& behind_at(std::uint32_t place) { return behind_[place]; }

  /// Every index is below it; those that are free have state kFree.
  std::uint32_t index_end() const { return static_cast<std::uint32_t>(subscriptions_.size()); }
  /// Every place is below it; those that are free have no subscription.
  std::uint32_t behind_end() const { return static_cast<std::uint32_t>(behind_.size()); }
  std::uint64_t size() const { return used_ - streams_; }
  std::uint64_t behind_count() const { return behind_used_; }

 private:
  struct BySlot {
    std::uint32_t first = kNone;
    std::uint32_t count = 0;
    std::uint32_t first_behind = kNone;
  };
  static_assert(sizeof(BySlot) == 12, "one for each connection");

  std::size_t home_of(std::uint32_t topic, std::uint32_t slot) const;
  void unlink_behind(BySlot& owner, std::uint32_t place);
  void index_insert(std::uint32_t index);
  void index_erase(std::uint32_t index);
  void index_grow();

  ChunkedArray<Subscription> subscriptions_;
  ChunkedArray<Behind> behind_;
  ChunkedArray<BySlot> by_slot_;
  /// Open addressing with linear probing: indices into `subscriptions_`, at most 3/4 full.
  std::vector<std::uint32_t> index_;
  std::uint32_t free_subscription_ = kNone;  ///< chained through `next`
  std::uint32_t free_behind_ = kNone;
  std::uint64_t used_ = 0;
  std::uint64_t streams_ = 0;  ///< of those
  std::uint64_t behind_used_ = 0;
};

}  // namespace wspush::hub
