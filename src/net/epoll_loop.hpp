#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/epoll.h>

#include "wspush/base/result.hpp"

#include "base/unique_fd.hpp"
#include "net/owner_thread.hpp"
#include "net/sys_error.hpp"

namespace wspush::net {

/// One readiness: what add() was given, and the EPOLL* bits.
struct Event {
  std::uint64_t handle = 0;
  std::uint32_t events = 0;
};

/// One epoll instance, level-triggered unless EPOLLET is asked for. It carries handles, never
/// pointers: the caller looks up a handle with its generation, so that an event of a connection
/// that was destroyed earlier in the same batch, its descriptor perhaps in use again, is ignored.
///
/// Thread: its reactor (checked in debug builds).
class EpollLoop {
 public:
  /// Events of one wait(); what is ready beyond that comes with the next (round robin).
  static constexpr std::size_t kEventsPerWait = 512;

  static Result<EpollLoop, SysError> open();

  /// `events`: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLEXCLUSIVE (shared unix listeners), EPOLLET (a
  /// WakeFd that nobody reads); 0: only EPOLLERR and EPOLLHUP, which the kernel always tells.
  Result<void, SysError> add(int fd, std::uint32_t events, std::uint64_t handle);
  /// Not for descriptors added with EPOLLEXCLUSIVE (EINVAL): remove and add those.
  Result<void, SysError> modify(int fd, std::uint32_t events, std::uint64_t handle);
  /// Not needed before close(), unless the descriptor was duplicated. One that is not there is no
  /// error.
  void remove(int fd);

  /// Waits at most `timeout_ms` (-1: for ever, 0: not at all). Empty on timeout and on a signal.
  /// The span dies with the next call.
  std::span<const Event> wait(int timeout_ms);

 private:
  explicit EpollLoop(UniqueFd epoll) : epoll_(std::move(epoll)) {}

  UniqueFd epoll_;
  OwnerThread owner_;
  std::array<Event, kEventsPerWait> events_{};
};

}  // namespace wspush::net
