#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wspush/base/handle.hpp"
#include "wspush/config/config.hpp"
#include "wspush/engine/engine.hpp"
#include "wspush/hub/member.hpp"
#include "wspush/hub/message.hpp"

#include "base/rare_vector.hpp"
#include "base/short_time.hpp"
#include "hub/feed_state.hpp"
#include "hub/latest_index.hpp"
#include "hub/member_list.hpp"
#include "hub/presence_state.hpp"
#include "hub/topic_log.hpp"

namespace wspush::hub {

/// The members of a topic that take one wire form the same way: all by their sockets, or all by
/// streams. While the topic is being flushed the first `walked` of them have got the frames at
/// hand, the others have not.
struct MemberArray {
  WireForm form;
  bool is_streamed;
  std::uint32_t walked = 0;
  MemberList members;
};
static_assert(sizeof(MemberArray) == 24);

/// The arrays of a topic, one at least. The first stands in here, as most topics have no other.
/// Lifetime of views and references: until one is added.
class MemberArrays {
 public:
  std::span<MemberArray> view() {
    return others_ == nullptr ? std::span(&first_, 1) : std::span<MemberArray>(*others_);
  }
  std::span<const MemberArray> view() const {
    return others_ == nullptr ? std::span(&first_, 1) : std::span<const MemberArray>(*others_);
  }

  /// An empty one, which none of those that are here is for. Not during a walk.
  /// May throw bad_alloc; nothing has changed then.
  MemberArray& add(WireForm form, bool is_streamed) {
    if (others_ == nullptr && first_.members.empty()) {
      first_.form = form;
      first_.is_streamed = is_streamed;
      return first_;
    }
    if (others_ == nullptr) {
      auto others = std::make_unique<std::vector<MemberArray>>();
      others->reserve(2);
      others->push_back(std::move(first_));
      others_ = std::move(others);
    }
    return others_->emplace_back(MemberArray{.form = form, .is_streamed = is_streamed});
  }

 private:
  MemberArray first_{.form = WireForm::kWspushV1, .is_streamed = false};
  std::unique_ptr<std::vector<MemberArray>> others_;  ///< if there is one: all, the first as well
};
static_assert(sizeof(MemberArrays) == 32);

/// A subscription that has everything up to `cursor`, and enters the array when the array has too.
struct Joining {
  std::uint64_t cursor;
  std::uint32_t subscription;
};

/// A reactor that keeps a replica of a topic, as its home knows it.
struct Replica {
  std::uint16_t reactor;
  bool has_missed = false;  ///< memory ran out for something that it was to be told
  Handle topic;             ///< there
  std::uint64_t subscribers = 0;
};

/// What only the home of a topic has.
struct Home {
  engine::TopicPosition position;
  RareVector<Replica> replicas;
  std::unique_ptr<FeedRoutes> routes;
  std::unique_ptr<HomePresence> presence;  ///< from the first member or watcher to the last
};

/// What lies further back than this, a delivery or the time of a last subscriber, is long ago.
inline constexpr std::chrono::hours kLongAgo{24};

/// A topic in one reactor: at its home, or a replica there for the reactor's own subscribers. Or a
/// feed of this reactor, or the presence stream beside a topic: to its subscribers it is the same.
///
/// There may be very many, with one subscriber each: what few have stands aside.
struct Topic {
  std::string name;
  Handle handle;
  /// Replica: the topic at its home, once the snapshot is here. Presence stream: its topic there.
  Handle home_handle;
  std::unique_ptr<Home> home;  ///< null in a replica
  std::unique_ptr<Feed> feed;  ///< null in a topic
  /// Null: no rule fits (after a reload), or it is a feed or a stream.
  const config::TopicRule* rule = nullptr;

  TopicLog log;
  /// For `latest`: from the first message with a key on.
  std::unique_ptr<LatestIndex> latest;
  MemberArrays arrays;
  std::uint64_t flushed = 0;    ///< offset up to which the arrays have been sent
  RareVector<Joining> joining;  ///< by cursor
  RareVector<Handle> waiting;   ///< preparations that wait for this topic
  /// Subscriptions with `max_rate` that have everything; some may be gone.
  std::unique_ptr<std::vector<std::uint32_t>> rated_idle;

  std::uint32_t unflushed_bytes = 0;
  std::uint32_t walked_messages =
      0;                            ///< behind `flushed`, that the walk in progress sends; 0: none
  std::uint32_t subscribers = 0;    ///< of this reactor
  bool is_ready = false;            ///< the log is here
  bool is_dirty = false;            ///< stands in the list of topics to be flushed
  bool is_count_dirty : 1 = false;  ///< replica: the home has yet to be told `subscribers`
  /// Of a replica: memory ran out for a message, which nobody here has been told yet.
  bool has_missed : 1 = false;
  /// The log begins behind a hole in which there may have been messages with keys.
  bool has_lost_keys : 1 = false;
  StreamState stream = StreamState::kNoStream;
  // The sweep sees to it that these are never further back than kLongAgo and a little.
  ShortTime flushed_at;  ///< when the arrays were last sent something
  ShortTime idle_since;  ///< when it was asked for, prepared, or left by a subscriber

  /// Nobody is left to serve: a flush that was left in the middle, or has yet to come, has nothing
  /// to send. Before anything is cut off the log that has not been flushed.
  void skip_unflushed() {
    flushed = log.last();
    walked_messages = 0;
    unflushed_bytes = 0;
    joining.clear();
  }
  /// Offset up to which the walk in progress sends.
  std::uint64_t walk_end() const { return flushed + walked_messages; }

  /// Bytes of what is kept, in the log and aside.
  std::uint64_t kept_bytes() const {
    return log.bytes() + (latest == nullptr ? 0 : latest->aside_bytes());
  }
  /// Grows whenever something is dropped.
  std::uint64_t dropped() const {
    return log.newest_dropped() + (latest == nullptr ? 0 : latest->lost_count());
  }
  /// The message that a cursor at `offset` has got: in the log, or aside.
  const MessageRef& at(std::uint64_t offset) const {
    return offset >= log.first() || latest == nullptr ? log.at(offset) : *latest->find(offset);
  }
};

}  // namespace wspush::hub
