#include "net/member_sender.hpp"

#include <cerrno>
#include <climits>
#include <sys/socket.h>

#include "base/check.hpp"

namespace wspush::net {
namespace {

static_assert(kFramesPerSend <= IOV_MAX);

constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
// The members lie one behind the other, the hardware sees them coming; their busy bytes do not.
constexpr std::size_t kPrefetchAhead = 8;

/// Why a send() failed, as ShortSend tells it.
int reason_of(int error) {
  return error == EAGAIN || error == EINTR ? 0 : error;
}

template <typename Send>
std::size_t send_to_each(std::span<const hub::Member> members, std::size_t total_bytes,
                         const std::uint8_t* busy_by_slot, std::vector<hub::ShortSend>& fell_short,
                         Send send) {
  const auto total = static_cast<ssize_t>(total_bytes);
  const std::size_t short_before = fell_short.size();
  const std::size_t count = members.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i + kPrefetchAhead < count) {
      __builtin_prefetch(busy_by_slot + members[i + kPrefetchAhead].slot);
    }
    const hub::Member member = members[i];
    if (busy_by_slot[member.slot] != 0) [[unlikely]] {
      fell_short.push_back({static_cast<std::uint32_t>(i), 0, 0});
      continue;
    }
    const ssize_t sent = send(member.fd);
    if (sent != total) [[unlikely]] {
      const int error = sent < 0 ? reason_of(errno) : 0;
      const auto taken = static_cast<std::size_t>(sent < 0 ? 0 : sent);
      fell_short.push_back({static_cast<std::uint32_t>(i), taken, error});
    }
  }
  return count - (fell_short.size() - short_before);
}

}  // namespace

std::size_t send_to_members(std::span<const hub::Member> members, std::span<const iovec> frames,
                            std::size_t total_bytes, const std::uint8_t* busy_by_slot,
                            std::vector<hub::ShortSend>& fell_short) {
  WSPUSH_CHECK(!frames.empty() && frames.size() <= kFramesPerSend && total_bytes > 0);
  fell_short.reserve(fell_short.size() + members.size());
  if (frames.size() == 1) {
    const void* bytes = frames[0].iov_base;
    return send_to_each(members, total_bytes, busy_by_slot, fell_short,
                        [=](int fd) { return ::send(fd, bytes, total_bytes, kFlags); });
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(frames.data());  // sendmsg() only reads it
  message.msg_iovlen = frames.size();
  return send_to_each(members, total_bytes, busy_by_slot, fell_short,
                      [&message](int fd) { return ::sendmsg(fd, &message, kFlags); });
}

}  // namespace wspush::net
