#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wspush/base/handle.hpp"
#include "wspush/config/config.hpp"
#include "wspush/engine/engine.hpp"
#include "wspush/hub/member.hpp"
#include "wspush/hub/message.hpp"

#include "hub/feed_state.hpp"
#include "hub/latest_index.hpp"
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
  std::vector<Member> members;
};

/// A subscription that has everything up to `cursor`, and enters the array when the array has too.
struct Joining {
  std::uint64_t cursor;
  std::uint32_t subscription;
};

/// A reactor that keeps a replica of a topic, as its home knows it.
struct Replica {
  std::uint16_t reactor;
  Handle topic;  ///< there
  std::uint64_t subscribers = 0;
};

/// What only the home of a topic has.
struct Home {
  engine::TopicPosition position;
  std::vector<Replica> replicas;
  std::unique_ptr<FeedRoutes> routes;
  std::unique_ptr<HomePresence> presence;  ///< from the first member or watcher to the last
};

/// A topic in one reactor: at its home, or a replica there for the reactor's own subscribers. Or a
/// feed of this reactor, or the presence stream beside a topic: to its subscribers it is the same.
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
  std::vector<MemberArray> arrays;
  std::uint64_t flushed = 0;  ///< offset up to which the arrays have been sent
  std::size_t unflushed_bytes = 0;
  std::uint64_t walk_end = 0;    ///< offset up to which the walk in progress sends; 0: none
  std::vector<Joining> joining;  ///< by cursor
  std::vector<Handle> waiting;   ///< preparations that wait for this topic
  /// Subscriptions with `max_rate` that have everything; some may be gone.
  std::unique_ptr<std::vector<std::uint32_t>> rated_idle;

  std::uint32_t subscribers = 0;  ///< of this reactor
  bool is_ready = false;          ///< the log is here
  bool is_dirty = false;          ///< stands in the list of topics to be flushed
  bool is_count_dirty = false;    ///< replica: the home has yet to be told `subscribers`
  StreamState stream = StreamState::kNoStream;
  TimePoint flushed_at{};  ///< when the arrays were last sent something
  TimePoint idle_since{};  ///< when it was opened, prepared, or left by a subscriber

  /// Bytes of what is kept, in the log and aside.
  std::uint64_t kept_bytes() const {
    return log.bytes() + (latest == nullptr ? 0 : latest->aside_bytes());
  }
  /// The message that a cursor at `offset` has got: in the log, or aside.
  const MessageRef& at(std::uint64_t offset) const {
    return offset >= log.first() || latest == nullptr ? log.at(offset) : *latest->find(offset);
  }
};

}  // namespace wspush::hub
