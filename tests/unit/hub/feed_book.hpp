#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "wspush/hub/message_id.hpp"

namespace wspush::hub::test {

/// What one subscriber of a feed has of one topic.
struct FeedSeen {
  enum class Kind : std::uint8_t {
    kExact,  ///< everything up to `at`: the next one follows it
    kBound,  ///< nothing yet; the next one is not behind the one that follows `at`
    kLost,   ///< it was told that it missed something
  };
  MessageId at;
  Kind kind = Kind::kBound;
};

/// What one subscriber of a feed has.
struct FeedState {
  std::map<std::string, FeedSeen> topics;
  bool has_lost = false;  ///< topics that are not in `topics` may begin anywhere
  bool began_with_next = false;
};

/// What somebody had who was given a position, by the feed's name and the position.
using FeedBook = std::map<std::pair<std::string, std::string>, FeedState>;

}  // namespace wspush::hub::test
