#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "wspush/base/bytes.hpp"

// Who is there: what the hub and those who use it say to each other about the members of a topic
// whose rule keeps presence (docs/decisions/0011-presence.md).
namespace wspush::hub {

/// The user of a connection, as other members see it. Shared with whoever checked the token, so
/// that it costs nothing to hand it on. Thread: any.
struct PresentUser {
  std::shared_ptr<const std::string> name;  ///< null: anonymous, which makes nobody a member
  std::shared_ptr<const std::string> info;  ///< JSON text that has been checked; empty: none

  explicit operator bool() const { return name != nullptr; }
};

/// What a subscription has to do with presence, where the topic's rule keeps it.
enum class PresenceRole : std::uint8_t {
  kNone,     ///< nothing: it is too short (a long poll), or of many topics (a feed)
  kMember,   ///< its user is a member
  kWatcher,  ///< likewise, and it is told who joins and leaves, or how many there are
};

/// What watchers are told is a message of a stream of its own, which is flushed like a topic. Its
/// key is one of these, its payload JSON: the member, `{"user":"u1","info":null}`, or the number.
inline constexpr ByteView kJoinEvent = "join";
inline constexpr ByteView kLeaveEvent = "leave";
inline constexpr ByteView kCountEvent = "count";

/// The name of the stream beside `topic`. No topic and no feed is called so.
std::string presence_stream_of(ByteView topic);
bool is_presence_stream(ByteView name);
/// The topic of a stream. Lifetime: that of `stream`.
ByteView topic_of_stream(ByteView stream);

/// Members in one answer, and about how many bytes (one member at least).
inline constexpr std::uint32_t kMembersPageMax = 1000;
inline constexpr std::size_t kMembersBytesMax = 1 << 20;

/// Where the next page of members begins, as clients hand it back. Good as long as the process
/// lives, whoever comes and goes meanwhile.
std::string to_members_cursor(std::uint32_t from);
/// Nothing but what `to_members_cursor` makes.
std::optional<std::uint32_t> parse_members_cursor(ByteView text);

}  // namespace wspush::hub
