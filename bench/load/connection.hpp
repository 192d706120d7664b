#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/epoll.h>

#include "base/unique_fd.hpp"

namespace wspush::load {

/// An epoll whose events carry the token that a descriptor was added with.
class Poller {
 public:
  Poller() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {}

  void add(int fd, std::uint64_t token, std::uint32_t events) {
    control(EPOLL_CTL_ADD, fd, token, events);
  }
  void modify(int fd, std::uint64_t token, std::uint32_t events) {
    control(EPOLL_CTL_MOD, fd, token, events);
  }

  /// Waits up to `timeout_ns`, finer than a millisecond. Returns those that have something.
  std::span<epoll_event> wait(std::int64_t timeout_ns, std::span<epoll_event> events);

 private:
  void control(int operation, int fd, std::uint64_t token, std::uint32_t events);

  UniqueFd fd_;
};

/// A non-blocking socket, standing or still connecting, and the bytes that it could not take yet.
class Connection {
 public:
  Connection() = default;

  /// Starts with `opening` waiting: it leaves when the connection stands. `poller` must live
  /// longer.
  Connection(UniqueFd fd, Poller& poller, std::uint64_t token, std::string opening);

  /// Sends, or keeps what does not fit. False: the connection is gone, `errno` says why.
  bool send(std::string_view bytes, Poller& poller);

  /// To be called when epoll says that the socket is writable. False as in `send`.
  bool on_writable(Poller& poller);

  /// One read: the bytes, empty where there are none now; nullopt at the end or on an error, with
  /// `errno` 0 or its reason. Lifetime of the view: `buffer`.
  std::optional<std::string_view> read(std::span<char> buffer);

  bool is_open() const { return static_cast<bool>(fd_); }
  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  bool waits_for_writable_ = false;
  std::uint64_t token_ = 0;
  std::string unsent_;
};

}  // namespace wspush::load
