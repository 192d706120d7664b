#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/uio.h>
#include <vector>

#include "wspush/hub/member.hpp"

namespace wspush::net {

/// Frames that one call can carry (IOV_MAX).
inline constexpr std::size_t kFramesPerSend = 1024;

/// Sends the same bytes to every member: the one loop that a fan-out ends in. One send() each for a
/// single frame, one sendmsg() with the same header for several; nothing of the connections is
/// touched but `busy_by_slot`.
///
/// `frames`: 1 to kFramesPerSend pieces, `total_bytes` together (not 0).
/// `busy_by_slot`: a byte for each connection slot; a member whose byte is not 0 has other bytes to
/// send first, so it gets nothing here and is reported with 0 bytes.
/// `fell_short`: who did not get everything, appended in order of `members`.
///
/// Returns how many were served whole. Makes room in `fell_short` for all members before the first
/// send (that may throw bad_alloc) and allocates nothing afterwards; give it the same vector again.
/// Thread: the reactor that owns the members. Cost: one system call a member.
std::size_t send_to_members(std::span<const hub::Member> members, std::span<const iovec> frames,
                            std::size_t total_bytes, const std::uint8_t* busy_by_slot,
                            std::vector<hub::ShortSend>& fell_short);

}  // namespace wspush::net
