#pragma once

#include <any>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "wspush/base/bytes.hpp"
#include "wspush/base/clock.hpp"
#include "wspush/hub/feed.hpp"
#include "wspush/hub/member.hpp"
#include "wspush/hub/message.hpp"
#include "wspush/hub/presence.hpp"

// What the hub and those who use it say to each other.
namespace wspush::hub {

/// Who gets an answer that may come in a later turn: a connection of some reactor, by its
/// generation-checked handle, the request there, and one of the things that it asked for.
struct ReplyTo {
  std::uint64_t connection = 0;  ///< Handle::packed(); 0: nobody wants the answer
  std::uint32_t ticket = 0;
  std::uint32_t item = 0;
  std::uint16_t reactor = 0;
};

/// Why the hub refused. Each door says it in its own words.
enum class HubError : std::uint8_t {
  kNotSubscribed,
  kAlreadySubscribed,
  kTopicLimit,         ///< limits.topics
  kSubscriptionLimit,  ///< limits.subscriptions_per_connection
  kForbidden,          ///< no rule fits the topic
  kUnavailable,        ///< the engine cannot take it now
};

/// Where a subscription starts. Without any of them: with the next message. Of a topic after an id,
/// of a feed after a position.
struct After {
  enum class Kind : std::uint8_t { kNext, kFirst, kId, kPosition };
  Kind kind = Kind::kNext;
  MessageId id{};
  FeedPosition position{};
};

/// A topic or a feed to be brought here, and where it will be subscribed to.
struct Wanted {
  std::string name;
  After after{};
};

/// kRated is kLatest with `max_rate`.
enum class Mode : std::uint8_t { kAll, kLatest, kRated };

struct SubscribeOptions {
  After after;
  Mode mode = Mode::kAll;
  Duration interval{};  ///< between two messages, with kRated
  WireForm form = WireForm::kWspushV1;
  std::uint64_t subscriptions_max = 1000;  ///< of this connection, this one included
  PresenceRole role = PresenceRole::kNone;
  PresentUser user{};  ///< with a role: whose connection it is
};

struct Subscribed {
  FeedPosition position{};  ///< of a feed, in place of `last`
  MessageId last;
  std::optional<bool> recovered;  ///< only where `after` was given
  MessageId next{};  ///< the first message that it gets, kept or still to come; not of a feed
};

/// Messages between `after` and `next` are lost to a subscriber. Of a feed it is known only that
/// some of its topics lost some: then the positions say where.
struct Gap {
  ByteView topic;  ///< or the feed's name
  MessageId after;
  MessageId next;
  const FeedPosition* after_position = nullptr;  ///< of a feed; both or none
  const FeedPosition* next_position = nullptr;
};

// --- answers that come later

struct PublishedReply {
  MessageId id;
  std::uint64_t subscribers = 0;
};
struct HistoryReply {
  std::vector<MessageRef> messages;  ///< oldest first
  MessageId last;
  bool gap = false;
};
struct TopicView {
  std::uint64_t subscribers = 0;
  std::uint64_t members = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  MessageId last;
};
struct ClearedReply {};
/// A page of a topic's members, and how many there are altogether.
struct MembersReply {
  std::uint64_t count = 0;
  bool is_count_only = false;         ///< the rule says `presence: count`
  std::string members;                ///< JSON objects with commas between
  std::optional<std::uint32_t> next;  ///< where the next page begins; nothing: this was the last
};
struct PreparedReply {};
/// What was asked of every reactor; who asked knows the type.
struct GatheredReply {
  std::any value;
};

using Reply = std::variant<PublishedReply, HistoryReply, TopicView, ClearedReply, MembersReply,
                           PreparedReply, GatheredReply, HubError>;

/// Something that asked the hub and is still there when the answer comes.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  virtual void on_reply(std::uint32_t item, Reply&& reply) = 0;
};

/// What the hub tells the connections of its reactor. Thread: the reactor's own. None of them may
/// destroy a connection before the end of the turn.
class SubscriberEvents {
 public:
  virtual ~SubscriberEvents() = default;

  virtual void on_reply(const ReplyTo& to, Reply&& reply) = 0;

  /// The subscriber in `slot` missed something. False ends it: it is being closed.
  virtual bool on_gap(std::uint32_t slot, WireForm form, const Gap& gap) = 0;
  /// The log has passed it and the topic's rule says `disconnect`.
  virtual void on_too_slow(std::uint32_t slot) = 0;

  /// It has frames to come that `Hub::gather` will give: flush it.
  virtual void on_behind(std::uint32_t slot) = 0;
  /// It is about to lose a subscription: write what it may still get from it, now.
  virtual void on_leaving(std::uint32_t slot) = 0;
  /// Its socket took only the first `taken` bytes of `message` in `form`: the rest comes before
  /// anything else.
  virtual void on_cut(std::uint32_t slot, const MessageRef& message, WireForm form,
                      std::size_t taken) = 0;
  virtual void on_send_error(std::uint32_t slot, int error) = 0;
  /// A right was withdrawn; the subscription is gone.
  virtual void on_withdrawn(std::uint32_t slot, WireForm form, ByteView topic) = 0;

  /// Whose connection it is, where a new rule keeps presence of what it is subscribed to.
  virtual PresentUser user_of(std::uint32_t /*slot*/) { return {}; }
};

/// What is sent to many: implemented where sockets are known.
class MemberSender {
 public:
  virtual ~MemberSender() = default;
  /// The same `parts` (`bytes` in all) to each member that is not busy. Adds who took less.
  /// Either all of the members are streamed or none is.
  virtual void send(std::span<const Member> members, std::span<const iovec> parts,
                    std::size_t bytes, std::vector<ShortSend>& fell_short) = 0;
};

}  // namespace wspush::hub
