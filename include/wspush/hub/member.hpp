#pragma once

#include <cstddef>
#include <cstdint>

namespace wspush::hub {

/// A subscriber as the fan-out walks over it: 8 bytes in a dense array, in order of arrival.
/// Members carry no cursor: the topic's head is the cursor of everyone who stands in the array.
struct Member {
  std::int32_t fd;     ///< the socket to send to
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
