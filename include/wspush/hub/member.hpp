#pragma once

#include <cstddef>
#include <cstdint>

namespace wspush::hub {

/// In place of a socket: the bytes of this member go through its connection's own net::ByteStream.
inline constexpr std::int32_t kStreamed = -1;

/// In place of a socket: nothing is sent to this member, its session takes frames by Hub::gather
/// when it is told that there are some (SubscriberEvents::on_behind). It falls short at every walk.
/// Its wire form is one that no member with a socket has.
inline constexpr std::int32_t kHeld = -2;

/// A subscriber as the fan-out walks over it: 8 bytes in a dense array, in order of arrival.
/// Members carry no cursor: the topic's head is the cursor of everyone who stands in the array.
/// Streamed members stand in arrays of their own, so that the walk over sockets need not ask.
struct Member {
  std::int32_t fd;     ///< the socket to send to, kStreamed or kHeld
  std::uint32_t slot;  ///< its connection in this reactor
};
static_assert(sizeof(Member) == 8);

/// A member that did not take all of what was sent to it.
struct ShortSend {
  std::uint32_t index = 0;  ///< among the members that were given
  std::size_t bytes = 0;    ///< that it took
  int error = 0;            ///< 0: would block, or was busy; else an errno
};

}  // namespace wspush::hub
