#include "cli/dialer.hpp"

#include <cerrno>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "cli/descriptor_io.hpp"
#include "cli/stop_signal.hpp"

namespace wspush::cli {
namespace {

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof(value));  // At worst a dead peer is found later.
}

void set_options(int fd) {
  constexpr int kSeconds = kPeerTimeout.count();
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kSeconds * 1000);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kSeconds / 3);
}

}  // namespace

void Dialer::Deleter::operator()(addrinfo* list) const {
  ::freeaddrinfo(list);
}

Dialer::Status Dialer::begin(const Endpoint& endpoint, TimePoint now) {
  url_ = endpoint.url;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int failure = 0;
  {
    const StopSignal::WhileBlocking while_blocking;
    failure =
        ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  }
  addresses_.reset(failure == 0 ? found : nullptr);
  next_ = addresses_.get();
  last_error_ = 0;
  if (failure != 0) {
    error_ = "cannot find " + endpoint.host + " of " + url_ + ": " + ::gai_strerror(failure);
    return Status::kFailed;
  }
  return try_next(now);
}

Dialer::Status Dialer::try_next(TimePoint now) {
  while (next_ != nullptr) {
    const addrinfo& address = *next_;
    next_ = address.ai_next;
    fd_.reset(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd_) {
      last_error_ = errno;
      continue;
    }
    set_options(fd_.get());
    deadline_ = now + kConnectTimeout;
    if (::connect(fd_.get(), address.ai_addr, address.ai_addrlen) == 0) {
      return Status::kConnected;
    }
    if (errno == EINPROGRESS) {
      return Status::kPending;
    }
    last_error_ = errno;
  }
  return fail(last_error_);
}

Dialer::Status Dialer::check(TimePoint now) {
  pollfd entry{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&entry, 1, 0) <= 0) {
    if (now < deadline_) {
      return Status::kPending;
    }
    last_error_ = ETIMEDOUT;
    return try_next(now);
  }
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) {
    return Status::kConnected;
  }
  last_error_ = error;
  return try_next(now);
}

Dialer::Status Dialer::fail(int error) {
  fd_.reset();
  error_ = "cannot connect to " + url_ + ": " + error_text(error);
  return Status::kFailed;
}

}  // namespace wspush::cli
