#pragma once

#include <cstdint>
#include <vector>

#include "wspush/base/clock.hpp"
#include "wspush/base/handle.hpp"
#include "wspush/config/config.hpp"

#include "hub/member_table.hpp"

// What presence is made of: the members at a topic's home, and the streams that tell of them
// (docs/decisions/0011-presence.md).
namespace wspush::hub {

/// Whether a topic of a reactor is a presence stream, and whether its home waits for it.
enum class StreamState : std::uint8_t {
  kNoStream,
  kSettled,
  kTelling,  ///< the home has more when this has been sent
};

/// A reactor with watchers, as the topic's home knows it.
struct Watcher {
  std::uint16_t reactor = 0;
  Handle stream;             ///< there
  bool is_telling = false;   ///< has not sent yet what it got last
  bool wants_count = false;  ///< has not been told a number yet
  bool has_missed = false;   ///< memory ran out for something that it was to be told
};

/// What the home of a topic has where there are members, or watchers.
struct HomePresence {
  explicit HomePresence(SipKey key) : members(key) {}

  MemberTable members;
  std::vector<Watcher> watchers;
  config::Presence kind = config::Presence::kOff;
  bool is_listed = false;     ///< stands in the list of topics with something to tell
  bool is_count_due = false;  ///< likewise, of those that tell a number
  std::uint64_t count_told = 0;
  TimePoint count_told_at{};  ///< the clock's beginning: never
};

/// Of joins and leaves in one letter, and in one turn of all topics: bounds what a turn does when
/// many come or go at once. The rest waits at home, where those who are gone and back cancel
/// out, unless a list has shown them meanwhile.
inline constexpr std::size_t kEventsPerLetter = 256;
inline constexpr std::size_t kEventBytesPerLetter = 64 * 1024;
inline constexpr std::size_t kEventsPerTurn = 1024;
/// What a stream keeps for watchers that lag; who falls behind that is too slow (4008).
inline constexpr std::uint64_t kStreamEventsMax = 4096;
inline constexpr std::uint64_t kStreamBytesMax = 1 << 20;
static_assert(kStreamEventsMax > 2 * kEventsPerLetter && kStreamBytesMax > 2 * kEventBytesPerLetter,
              "a watcher whose socket is full for one walk is not too slow");
/// Of numbers of members, for each topic.
inline constexpr Duration kCountInterval = std::chrono::seconds(1);

}  // namespace wspush::hub
