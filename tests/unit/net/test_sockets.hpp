#pragma once

#include <array>
#include <cerrno>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

#include <gtest/gtest.h>

#include "base/unique_fd.hpp"
#include "net/address.hpp"
#include "net/listener.hpp"

// Real sockets for the tests of this module. Whatever waits, waits for an event and at most this
// long, so that a defect is a failure and not a hang.
namespace wspush::net {

inline constexpr int kPatienceMs = 10'000;

/// Waits until `fd` has one of `events`; false when it did not come.
inline bool await(int fd, short events) {
  pollfd one{fd, events, 0};
  int ready = 0;
  do {
    ready = ::poll(&one, 1, kPatienceMs);
  } while (ready < 0 && errno == EINTR);
  return ready == 1;
}

inline bool is_readable_now(int fd) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

inline SocketAddress address(std::string_view text) {
  auto resolved = resolve_address(text);
  EXPECT_TRUE(resolved) << text;
  return resolved ? *resolved : SocketAddress();
}

/// A blocking client; the descriptor is -1 when it was refused.
inline UniqueFd connect_to(const SocketAddress& where) {
  UniqueFd fd(::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), where.data(), where.size()) != 0) {
    return UniqueFd();
  }
  return fd;
}

/// Two ends of one connection, non-blocking.
struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};

inline SocketPair unix_pair() {
  std::array<int, 2> fds{-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

inline UniqueFd accept_from(int listener) {
  EXPECT_TRUE(await(listener, POLLIN));
  return UniqueFd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

inline SocketPair tcp_pair() {
  auto listeners = open_listeners(address("127.0.0.1:0"), 1);
  EXPECT_TRUE(listeners);
  const int listener = listeners->front().get();
  UniqueFd client = connect_to(bound_address(listener));
  return {accept_from(listener), std::move(client)};
}

/// Everything that `fd` sends until its end; fails the test when that does not come.
inline std::string read_to_end(int fd) {
  std::string all;
  std::array<char, 65536> part;
  while (await(fd, POLLIN)) {
    const ssize_t got = ::recv(fd, part.data(), part.size(), MSG_DONTWAIT);
    if (got <= 0) {
      EXPECT_EQ(got, 0) << "errno " << errno;
      return all;
    }
    all.append(part.data(), static_cast<std::size_t>(got));
  }
  ADD_FAILURE() << "no end";
  return all;
}

/// Takes what is there now and throws it away.
inline std::string drain(int fd) {
  std::string all;
  std::array<char, 65536> part;
  for (;;) {
    const ssize_t got = ::recv(fd, part.data(), part.size(), MSG_DONTWAIT);
    if (got <= 0) {
      return all;
    }
    all.append(part.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace wspush::net
