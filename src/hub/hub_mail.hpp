#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "wspush/base/handle.hpp"
#include "wspush/hub/subscriber.hpp"

#include "hub/feed_state.hpp"

// What the hubs of two reactors say to each other. Mail between two reactors keeps its order: that
// is what makes a replica free of holes.
namespace wspush::hub {

/// A publisher that waits for a receipt, at the home of its topic.
struct ReceiptId {
  std::uint64_t handle = 0;  ///< Handle::packed(); 0: nobody waits
  std::uint16_t home = 0;

  explicit operator bool() const { return handle != 0; }
};

/// replica -> home: "I have subscribers for this topic." Again where no snapshot has come.
struct OpenReplicaMail {
  std::string topic;
  std::uint16_t reactor = 0;
  Handle replica;
};
/// home -> replica: the log as it is; everything after it comes as AppendMail.
struct SnapshotMail {
  Handle replica;
  Handle home;
  std::uint16_t reactor = 0;  ///< of the home
  bool is_refused = false;    ///< limits.topics
  std::uint32_t epoch = 0;
  std::uint64_t last = 0;
  std::vector<MessageRef> messages;  ///< the newest ones, oldest first
  std::vector<MessageRef> aside;     ///< older ones that are the newest of their keys
};
/// home -> replica
struct AppendMail {
  Handle replica;
  MessageRef message;
  ReceiptId receipt{};
};
/// To the home: fan-outs that are over, and to how many subscribers they wrote the message.
struct ReceiptMail {
  std::uint64_t handle = 0;
  std::uint32_t fan_outs = 0;
  std::uint64_t written = 0;
};
/// home -> replica: a new epoch, or the same where the replica may have missed something of it;
/// nothing kept.
struct ResetMail {
  Handle replica;
  std::uint32_t epoch = 0;
  std::uint64_t last = 0;
};
/// home -> replica: messages before `first` were dropped to save memory.
struct DropMail {
  Handle replica;
  std::uint64_t first = 0;
};
/// replica -> home
struct CountMail {
  Handle home;
  std::uint16_t reactor = 0;
  std::uint64_t subscribers = 0;
};
/// replica -> home: "Forward me nothing more."
struct CloseReplicaMail {
  Handle home;
  std::uint16_t reactor = 0;
  Handle replica;
};
/// To a home and back: everything that was sent before it has taken effect when it returns.
struct FenceMail {
  std::uint16_t reactor = 0;
  Handle preparation;
  bool is_back = false;
};
/// feed -> each home: "Forward me what these topics and patterns stand for."
struct OpenFeedMail {
  SharedName name;
  std::uint16_t reactor = 0;
  Handle feed;
  bool is_again = false;  ///< it may be registered already
};
/// home -> feed: what is published after the first `count` messages comes as FeedMail.
struct FeedOpenedMail {
  Handle feed;
  std::uint16_t home = 0;
  Handle at_home;
  std::uint64_t count = 0;
};
/// home -> feeds of one reactor: a message, or (without one) that the topic began a new epoch.
struct FeedMail {
  std::shared_ptr<const FeedTargets> targets;
  std::uint16_t home = 0;
  MessageRef message;
  std::uint64_t count = 0;
  MessageId gap_after{};
  MessageId gap_next{};
  ReceiptId receipt{};
};
/// feed -> home: what follows a position, in pieces.
struct FetchMail {
  SharedName name;
  std::uint16_t reactor = 0;
  Handle cursor;
  std::uint64_t after = 0;  ///< of the home's messages
  std::uint64_t told = 0;   ///< what was dropped until then is known, as FetchedMail::drops
  bool is_latest = false;   ///< only what is the newest of its topic and key
};
/// home -> feed
struct FetchedMail {
  Handle cursor;
  FetchedPiece piece;
  std::uint64_t count = 0;  ///< what the home has published: the feed has it all up to here
  std::uint64_t drops = 0;  ///< of the home so far: the piece tells of all of them
};
/// feed -> home
struct FeedCountMail {
  Handle at_home;
  std::uint64_t subscribers = 0;
};
/// feed -> home: "Forward me nothing more."
struct CloseFeedMail {
  Handle at_home;
};
/// reactor of a subscriber -> home: a connection of `user` is there, is gone, or has a new token.
struct PresentMail {
  enum class Kind : std::uint8_t { kJoin, kLeave, kRenew };
  Handle home;
  Kind kind = Kind::kJoin;
  PresentUser user;
};
/// reactor with watchers -> home: "Tell my presence stream of the topic", or no longer this stream.
struct WatchMail {
  Handle home;
  std::uint16_t reactor = 0;
  Handle stream;
  bool is_end = false;
};
/// home -> presence stream: what is to be told, in the order of the home.
struct PresenceMail {
  Handle stream;
  std::vector<MessageRef> events;
  bool wants_answer = false;  ///< PresenceToldMail, when all of it has been sent
  std::uint16_t reactor = 0;  ///< of the home
  Handle home;
  bool is_after_loss = false;  ///< something before it was lost: who watches has to come again
};
/// presence stream -> home: "I can take more."
struct PresenceToldMail {
  Handle home;
  std::uint16_t reactor = 0;
  bool has_failed = false;  ///< memory ran out: some of it was told to nobody here
};
struct MembersMail {
  std::string topic;
  std::uint32_t from = 0;
  std::uint32_t limit = 0;
  ReplyTo to;
};
struct PublishMail {
  std::string topic;
  MessageRef draft;
  std::string idempotency_key;
  ReplyTo to;
};
struct HistoryMail {
  std::string topic;
  After after;
  std::uint32_t limit = 0;
  ReplyTo to;
};
struct ViewMail {
  std::string topic;
  ReplyTo to;
};
struct ClearMail {
  std::string topic;
  ReplyTo to;
};
struct ReplyMail {
  ReplyTo to;
  Reply reply;
};

using HubMail = std::variant<OpenReplicaMail, SnapshotMail, AppendMail, ReceiptMail, ResetMail,
                             DropMail, CountMail, CloseReplicaMail, FenceMail, OpenFeedMail,
                             FeedOpenedMail, FeedMail, FetchMail, FetchedMail, FeedCountMail,
                             CloseFeedMail, PresentMail, WatchMail, PresenceMail, PresenceToldMail,
                             MembersMail, PublishMail, HistoryMail, ViewMail, ClearMail, ReplyMail>;

/// Carries mail to the hubs of other reactors, in order.
class Post {
 public:
  virtual ~Post() = default;
  virtual void send(std::uint16_t reactor, HubMail mail) = 0;
};

}  // namespace wspush::hub
