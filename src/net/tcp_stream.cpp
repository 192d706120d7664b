#include "net/tcp_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/check.hpp"

namespace wspush::net {
namespace {

/// What a failed send() or recv() means, from errno.
IoResult failure() {
  switch (errno) {
    case EAGAIN:  // EWOULDBLOCK is the same number on Linux
      return {IoStatus::kWouldBlock, 0, 0};
    case ENOBUFS:
    case ENOMEM:
      return {IoStatus::kWouldBlock, 0, errno};
    default:
      return {IoStatus::kError, 0, errno};
  }
}

IoResult receive(int fd, MutableBytes into, int flags) noexcept {
  WSPUSH_ASSERT(!into.empty());
  for (;;) {
    const ssize_t got = ::recv(fd, into.data(), into.size(), MSG_DONTWAIT | flags);
    if (got > 0) {
      return {IoStatus::kOk, static_cast<std::size_t>(got), 0};
    }
    if (got == 0) {
      return {IoStatus::kEnd, 0, 0};
    }
    if (errno != EINTR) {
      return failure();
    }
  }
}

struct Option {
  const char* call;
  int level;
  int name;
  int value;
};

}  // namespace

IoResult read_some(int fd, MutableBytes into) noexcept {
  return receive(fd, into, 0);
}

IoResult peek_some(int fd, MutableBytes into) noexcept {
  return receive(fd, into, MSG_PEEK);
}

IoResult write_some(int fd, std::span<const iovec> pieces) noexcept {
  if (pieces.empty()) {
    return {};
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg() only reads it
  message.msg_iovlen = std::min<std::size_t>(pieces.size(), IOV_MAX);
  for (;;) {
    const ssize_t sent = pieces.size() == 1 ? ::send(fd, pieces[0].iov_base, pieces[0].iov_len,
                                                     MSG_NOSIGNAL | MSG_DONTWAIT)
                                            : ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      return {IoStatus::kOk, static_cast<std::size_t>(sent), 0};
    }
    if (errno != EINTR) {
      return failure();
    }
  }
}

Result<void, SysError> configure_connection(int fd, const SocketOptions& options) {
  int domain = 0;
  socklen_t size = sizeof(domain);
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) {
    return Unexpected(last_error("getsockopt(SO_DOMAIN)"));
  }
  const bool is_tcp = domain == AF_INET || domain == AF_INET6;
  const Option wanted[] = {
      {"setsockopt(SO_SNDBUF)", SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes},
      {"setsockopt(TCP_NODELAY)", IPPROTO_TCP, TCP_NODELAY, options.no_delay ? 1 : 0},
      {"setsockopt(TCP_NOTSENT_LOWAT)", IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.not_sent_bytes_max},
      {"setsockopt(TCP_USER_TIMEOUT)", IPPROTO_TCP, TCP_USER_TIMEOUT,
       static_cast<int>(std::min<std::int64_t>(options.user_timeout.count(), INT_MAX))},
  };
  for (const Option& option : wanted) {
    if (option.value == 0 || (option.level == IPPROTO_TCP && !is_tcp)) {
      continue;  // 0 is the system's setting of all four
    }
    if (::setsockopt(fd, option.level, option.name, &option.value, sizeof(option.value)) != 0) {
      return Unexpected(last_error(option.call));
    }
  }
  return {};
}

}  // namespace wspush::net
