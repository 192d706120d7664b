#include "load/connection.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <sys/socket.h>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace wspush::load {
namespace {

std::chrono::nanoseconds since_epoch(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// The kernel's stamps are of the wall clock, which may be set: the distance is taken each time.
TimePoint monotonic_of(const timespec& wall) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return MonotonicClock::now() -
         std::chrono::duration_cast<Duration>(since_epoch(now) - since_epoch(wall));
}

}  // namespace

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

Result<Connection, std::string> Connection::dial(const Target& target, TlsClient* tls,
                                                 Poller& poller, std::uint64_t token,
                                                 std::size_t source_index, std::string opening,
                                                 int receive_buffer_bytes) {
  auto fd = start_connect(target.address, source_index, receive_buffer_bytes);
  if (!fd) {
    return Unexpected(fd.error());
  }
  Connection connection;
  if (target.uses_tls) {
    connection.tls_ = tls;
    connection.ssl_ = tls->open(fd->get(), target.host);
    if (connection.ssl_ == nullptr) {
      return Unexpected("TLS: " + take_tls_error());
    }
  }
  connection.fd_ = std::move(*fd);
  connection.token_ = token;
  connection.unsent_ = std::move(opening);
  connection.events_ = EPOLLIN | EPOLLOUT;
  poller.add(connection.fd_.get(), token, connection.events_);
  return connection;
}

bool Connection::send(std::string_view bytes, Poller& poller) {
  if (unsent_.empty()) {
    const std::int64_t sent = write_some(bytes);
    if (sent < 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (bytes.empty()) {
      return true;
    }
  }
  unsent_.append(bytes);
  want(EPOLLIN | EPOLLOUT, poller);
  return true;
}

bool Connection::on_writable(Poller& poller) {
  if (ssl_ != nullptr && !is_secured_) {
    return secure(poller);
  }
  return flush(poller);
}

std::optional<std::string_view> Connection::read(std::span<char> buffer, Poller& poller) {
  errno = 0;
  if (ssl_ == nullptr) {
    const std::int64_t got = receive(buffer);
    if (got > 0) {
      return std::string_view(buffer.data(), static_cast<std::size_t>(got));
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return std::string_view();
    }
    return std::nullopt;
  }
  if (!is_secured_) {
    if (!secure(poller)) {
      return std::nullopt;
    }
    if (!is_secured_) {
      return std::string_view();
    }
  }
  ::ERR_clear_error();
  std::size_t got = 0;
  if (::SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &got) == 1) {
    return std::string_view(buffer.data(), got);
  }
  switch (::SSL_get_error(ssl_.get(), 0)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return std::string_view();
    case SSL_ERROR_ZERO_RETURN:
      errno = 0;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::int64_t Connection::receive(std::span<char> buffer) {
  if (!notes_arrivals_) {
    return ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  }
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = ::recvmsg(fd_.get(), &message, 0);
  arrived_at_.reset();
  const cmsghdr* const stamp = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (stamp != nullptr && stamp->cmsg_level == SOL_SOCKET && stamp->cmsg_type == SCM_TIMESTAMPNS &&
      stamp->cmsg_len >= CMSG_LEN(sizeof(timespec))) {
    timespec wall{};
    std::memcpy(&wall, CMSG_DATA(stamp), sizeof wall);
    arrived_at_ = monotonic_of(wall);
  }
  return got;
}

void Connection::note_arrivals() {
  const int on = 1;
  notes_arrivals_ =
      ssl_ == nullptr && ::setsockopt(fd_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == 0;
}

bool Connection::has_buffered() const {
  return ssl_ != nullptr && ::SSL_has_pending(ssl_.get()) == 1;
}

void Connection::stop_reading(Poller& poller) {
  want(0, poller);
}

void Connection::close() {
  if (ssl_ != nullptr && is_secured_ && fd_) {
    // Without the goodbye OpenSSL would not let its session be taken up again.
    ::ERR_clear_error();
    (void)::SSL_shutdown(ssl_.get());
    ::ERR_clear_error();
  }
  ssl_.reset();
  fd_.reset();
}

bool Connection::secure(Poller& poller) {
  ::ERR_clear_error();
  errno = 0;
  const int status = ::SSL_do_handshake(ssl_.get());
  if (status == 1) {
    is_secured_ = true;
    tls_->count(ssl_.get());
    return flush(poller);
  }
  switch (::SSL_get_error(ssl_.get(), status)) {
    case SSL_ERROR_WANT_READ:
      want(EPOLLIN, poller);
      return true;
    case SSL_ERROR_WANT_WRITE:
      want(EPOLLIN | EPOLLOUT, poller);
      return true;
    default:
      return false;
  }
}

bool Connection::flush(Poller& poller) {
  if (!unsent_.empty()) {
    const std::int64_t sent = write_some(unsent_);
    if (sent < 0) {
      return false;
    }
    if (static_cast<std::size_t>(sent) == unsent_.size()) {
      unsent_ =
          std::string();  // what waits is rare: thousands of connections keep no memory for it
    } else {
      unsent_.erase(0, static_cast<std::size_t>(sent));
    }
  }
  want(unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT, poller);
  return true;
}

std::int64_t Connection::write_some(std::string_view bytes) {
  errno = 0;
  if (ssl_ == nullptr) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
      return 0;
    }
    return sent;
  }
  if (!is_secured_) {
    return 0;
  }
  ::ERR_clear_error();
  std::size_t total = 0;
  while (total < bytes.size()) {
    std::size_t sent = 0;
    if (::SSL_write_ex(ssl_.get(), bytes.data() + total, bytes.size() - total, &sent) == 1) {
      total += sent;
      continue;
    }
    const int error = ::SSL_get_error(ssl_.get(), 0);
    if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) {
      return -1;
    }
    break;
  }
  return static_cast<std::int64_t>(total);
}

void Connection::want(std::uint32_t events, Poller& poller) {
  if (events != events_) {
    events_ = events;
    poller.modify(fd_.get(), token_, events);
  }
}

std::string failure_text() {
  const int error = errno;
  if (std::string text = take_tls_error(); !text.empty()) {
    return "TLS: " + text;
  }
  return error == 0 ? "the server closed the connection" : system_error("connection", error);
}

}  // namespace wspush::load
