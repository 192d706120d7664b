#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wspush/base/bytes.hpp"
#include "wspush/hub/message.hpp"

// A feed is one stream of the messages of many topics: those that a pattern fits, or those of a set
// of topics and patterns. It is used by its name wherever a topic is: `Hub::prepare` (with
// `after`), `subscribe`, `unsubscribe`. What differs: it has no log, ids or history of its own. Its
// place is a position; each of its frames is encoded from a message that has a `feed_entry()`.
namespace wspush::hub {

/// Between the filters in a feed's name. No topic has it.
inline constexpr char kFilterSeparator = '\n';

/// Topics and patterns in one feed.
inline constexpr std::size_t kFiltersMax = 100;

/// The name of what `filters` ask for together: 1 to kFiltersMax well-formed topics and patterns,
/// in any order, doubles allowed. One topic alone is no feed: its name is its own.
std::string feed_name(std::span<const std::string> filters);

/// Whether the name is a feed's and not a topic's. Cost: O(bytes).
bool is_feed(ByteView name);

/// Calls `visit(ByteView)` for the topics and patterns that the name stands for.
template <typename Visit>
void for_each_filter(ByteView name, Visit&& visit) {
  while (!name.empty()) {
    const std::size_t end = std::min(name.find(kFilterSeparator), name.size());
    visit(name.substr(0, end));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
}

/// The topics and patterns that the name stands for. Lifetime: that of `name`.
std::vector<ByteView> filters_of(ByteView name);

/// A place in a feed: of each home reactor, how much had been published there altogether. So its
/// size does not grow with the topics, and a message is before a position or behind it whatever its
/// topic. Good in the process that gave it out, in each of its reactors, for the same feed.
struct FeedPosition {
  std::uint32_t epoch = 0;            ///< of the process; another one: the position is stale
  std::vector<std::uint64_t> counts;  ///< by home

  friend bool operator==(const FeedPosition&, const FeedPosition&) = default;
};

/// The wire spelling: URL-safe, `p` and then letters, digits, `-` and `_`; 10 to 20 characters with
/// two reactors, 5 to 7 more with each further one.
std::string to_string(const FeedPosition& position);

/// Nothing but what `to_string` makes is a position. A stale one is one, too.
std::optional<FeedPosition> parse_feed_position(ByteView text);

/// What a message of a feed has beyond the message that it stands for: `Message::feed_entry()`.
/// Its id, key, kind and payload are those of the original.
struct FeedEntry {
  MessageRef original;                       ///< null: a gap, without a payload
  std::shared_ptr<const std::string> topic;  ///< where it was published
  std::shared_ptr<const std::string> feed;   ///< its name
  FeedPosition position;                     ///< who has got it goes on from here
  std::uint16_t home = 0;
  std::uint64_t count = 0;  ///< of its home: position.counts[home] or less
  /// A gap: of `topic`, what was between these ids is lost (its log was cleared).
  MessageId gap_after{};
  MessageId gap_next{};

  bool is_gap() const { return !original; }
  /// The pattern where the feed is a single one; else empty.
  ByteView pattern() const;
};

}  // namespace wspush::hub
