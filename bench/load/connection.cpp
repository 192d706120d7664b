#include "connection.hpp"

#include <cerrno>
#include <ctime>
#include <sys/socket.h>
#include <utility>

namespace wspush::load {

std::span<epoll_event> Poller::wait(std::int64_t timeout_ns, std::span<epoll_event> events) {
  const timespec timeout{.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
  const int count =
      ::epoll_pwait2(fd_.get(), events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  return events.first(count > 0 ? static_cast<std::size_t>(count) : 0);
}

void Poller::control(int operation, int fd, std::uint64_t token, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  (void)::epoll_ctl(fd_.get(), operation, fd, &event);
}

Connection::Connection(UniqueFd fd, Poller& poller, std::uint64_t token, std::string opening)
    : fd_(std::move(fd)), waits_for_writable_(true), token_(token), unsent_(std::move(opening)) {
  poller.add(fd_.get(), token_, EPOLLIN | EPOLLOUT);
}

bool Connection::send(std::string_view bytes, Poller& poller) {
  if (unsent_.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
  }
  unsent_.append(bytes);
  if (!unsent_.empty() && !waits_for_writable_) {
    waits_for_writable_ = true;
    poller.modify(fd_.get(), token_, EPOLLIN | EPOLLOUT);
  }
  return true;
}

bool Connection::on_writable(Poller& poller) {
  const std::string bytes = std::exchange(unsent_, std::string());
  if (!bytes.empty() && !send(bytes, poller)) {
    return false;
  }
  if (unsent_.empty() && waits_for_writable_) {
    waits_for_writable_ = false;
    poller.modify(fd_.get(), token_, EPOLLIN);
  }
  return true;
}

std::optional<std::string_view> Connection::read(std::span<char> buffer) {
  const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got > 0) {
    return std::string_view(buffer.data(), static_cast<std::size_t>(got));
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return std::string_view();
  }
  if (got == 0) {
    errno = 0;
  }
  return std::nullopt;
}

}  // namespace wspush::load
