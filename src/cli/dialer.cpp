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
  host_ = endpoint.host;
  uses_tls_ = endpoint.uses_tls;
  is_shaking_hands_ = false;
  if (uses_tls_ && context_ == nullptr) {
    auto context = net::open_tls_client_context(tls_);
    if (!context) {
      error_ = context.error();
      return Status::kFailed;
    }
    context_ = std::move(*context);
  }
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
      return on_connected(now);
    }
    if (errno == EINPROGRESS) {
      return Status::kPending;
    }
    last_error_ = errno;
  }
  return fail(error_text(last_error_));
}

Dialer::Status Dialer::check(TimePoint now) {
  if (is_shaking_hands_) {
    return shake_hands(now);
  }
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
    return on_connected(now);
  }
  last_error_ = error;
  return try_next(now);
}

short Dialer::events() const {
  if (!is_shaking_hands_) {
    return POLLOUT;
  }
  return static_cast<short>(POLLIN | (transport_.has_unsent() ? POLLOUT : 0));
}

Dialer::Status Dialer::on_connected(TimePoint now) {
  if (!uses_tls_) {
    transport_ = Transport(std::move(fd_));
    return Status::kConnected;
  }
  transport_ = Transport(std::move(fd_), context_.get(), host_);
  is_shaking_hands_ = true;
  deadline_ = now + kConnectTimeout;
  return shake_hands(now);
}

Dialer::Status Dialer::shake_hands(TimePoint now) {
  switch (transport_.shake_hands()) {
    case Transport::Handshake::kDone:
      is_shaking_hands_ = false;
      return Status::kConnected;
    case Transport::Handshake::kPending:
      return now < deadline_ ? Status::kPending : fail("TLS: no answer to the handshake");
    case Transport::Handshake::kFailed:
      break;
  }
  // Another address of the same server would not be believed either.
  return fail(transport_.handshake_error());
}

Dialer::Status Dialer::fail(const std::string& why) {
  is_shaking_hands_ = false;
  fd_.reset();
  transport_ = Transport();
  error_ = "cannot connect to " + url_ + ": " + why;
  return Status::kFailed;
}

}  // namespace wspush::cli
