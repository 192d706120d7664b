#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wspush/base/handle.hpp"
#include "wspush/config/config.hpp"
#include "wspush/hub/message.hpp"

// What feeds are made of, in the reactor that has one and at the homes of its topics
// (docs/decisions/0008-feeds.md).
namespace wspush::hub {

using SharedName = std::shared_ptr<const std::string>;

/// What a feed's ring keeps for those of its subscribers that lag a little; they get the rest from
/// the topics' logs.
inline constexpr std::uint64_t kFeedRingMessagesMax = 1024;
inline constexpr std::uint64_t kFeedRingBytesMax = 1 << 20;
/// What one home answers at once to somebody who is away from the ring (one message at least).
inline constexpr std::size_t kPieceMessagesMax = 1024;
inline constexpr std::size_t kPieceBytesMax = 1 << 20;
/// Topics that were freed of which a home knows how far they had dropped messages.
inline constexpr std::size_t kDroppedTopicsMax = 16'384;

// --- in the reactor that has the feed

/// A part of what a subscriber missed, from one home and by its counts; or what the feed's own ring
/// has of it.
struct FetchedPiece {
  struct Item {
    MessageRef message;       ///< the original, then what stands in the feed for it
    std::uint32_t topic = 0;  ///< among `topics`
  };
  std::uint16_t home = 0;
  bool is_of_ring = false;
  bool has_gap = false;  ///< something after the position has been dropped
  /// By home: who got the items has everything up to here.
  std::vector<std::uint64_t> upto;
  std::vector<SharedName> topics;
  std::vector<Item> items;
};

/// Where a subscriber stands that does not have everything that the feed has. Either it reads the
/// feed's ring, from the cursor of its Behind record on, or it is away from the ring and reads what
/// the homes have kept, piece by piece.
struct FeedCursor {
  Handle handle;  ///< its own
  Handle feed;
  std::uint32_t slot = 0;               ///< connection
  std::vector<std::uint64_t> position;  ///< by home: what it has, a frame that is half out included
  std::vector<std::uint64_t> told;      ///< by home: it knows of what was dropped until then
  std::vector<FetchedPiece> pieces;
  std::uint32_t taken = 0;     ///< items of the first piece that it has
  std::uint32_t fetching = 0;  ///< homes that have not answered
  TimePoint asked_at{};        ///< when they were asked
  bool is_asking = false;      ///< just now
  bool is_away = false;        ///< from the ring
  bool is_subscribed = false;
  bool is_latest = false;         ///< skips what a newer message has replaced
  bool has_lost = false;          ///< before it was subscribed
  Handle preparation;             ///< that waits for the answers
  std::uint64_t prepared_by = 0;  ///< which call of Hub::prepare
};

/// What a topic has in addition when it is a feed. Its log is a ring of what its subscribers have
/// yet to get: nothing is kept in it for those who come later.
struct Feed {
  SharedName name;
  std::vector<Handle> at_homes;         ///< by home: its registration there
  std::vector<std::uint64_t> position;  ///< by home: what has come
  std::vector<std::uint64_t> base;      ///< the position before the ring's first entry
  std::uint32_t missing = 0;            ///< homes that have not registered it yet
  bool has_asked = false;               ///< some of them at least
  std::uint32_t prepared = 0;           ///< cursors that wait for their subscriber
  config::WhenSlow when_slow = config::WhenSlow::kGap;
};

// --- at home

/// A feed of some reactor, as a home knows it.
struct HomeFeed {
  SharedName name;
  std::uint16_t reactor = 0;
  Handle feed;  ///< there
  std::uint64_t subscribers = 0;
};

/// The feeds of one reactor that get what is published to a topic. Shared with that reactor.
struct FeedTargets {
  SharedName topic;
  std::uint16_t reactor = 0;
  std::vector<Handle> feeds;
};

/// What the home of a topic knows for feeds; from its first message on, once there have been feeds.
struct FeedRoutes {
  std::uint64_t made_at = 0;  ///< of the patterns that `targets` were made from
  std::vector<std::shared_ptr<const FeedTargets>> targets;
  std::vector<std::uint32_t> feeds;  ///< slots of the HomeFeeds
  std::uint64_t dropped_at = 0;      ///< when it dropped something last, in drops of this home
  /// Topics stand in a list by their newest message; 0: not in it.
  std::uint64_t newest = 0;
  std::uint32_t newer = 0xffff'ffff;
  std::uint32_t older = 0xffff'ffff;
};

}  // namespace wspush::hub
