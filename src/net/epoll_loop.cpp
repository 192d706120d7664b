#include "net/epoll_loop.hpp"

#include <cerrno>
#include <utility>

#include "base/check.hpp"

namespace wspush::net {
namespace {

epoll_event to_kernel(std::uint32_t events, std::uint64_t handle) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = handle;
  return event;
}

}  // namespace

Result<EpollLoop, SysError> EpollLoop::open() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) {
    return Unexpected(last_error("epoll_create1"));
  }
  return EpollLoop(std::move(epoll));
}

Result<void, SysError> EpollLoop::add(int fd, std::uint32_t events, std::uint64_t handle) {
  owner_.check();
  epoll_event event = to_kernel(events, handle);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return Unexpected(last_error("epoll_ctl(ADD)"));
  }
  return {};
}

Result<void, SysError> EpollLoop::modify(int fd, std::uint32_t events, std::uint64_t handle) {
  owner_.check();
  epoll_event event = to_kernel(events, handle);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
    return Unexpected(last_error("epoll_ctl(MOD)"));
  }
  return {};
}

void EpollLoop::remove(int fd) {
  owner_.check();
  const int removed = ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  WSPUSH_ASSERT(removed == 0 || errno == ENOENT || errno == EBADF);
  static_cast<void>(removed);
}

std::span<const Event> EpollLoop::wait(int timeout_ms) {
  owner_.check();
  std::array<epoll_event, kEventsPerWait> ready;
  const int count = ::epoll_wait(epoll_.get(), ready.data(), int{kEventsPerWait}, timeout_ms);
  if (count < 0) {
    WSPUSH_CHECK(errno == EINTR);
    return {};
  }
  // The kernel's struct is packed on x86-64; ours is not, so that references to it are safe.
  const auto used = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < used; ++i) {
    events_[i] = {ready[i].data.u64, ready[i].events};
  }
  return std::span(events_).first(used);
}

}  // namespace wspush::net
