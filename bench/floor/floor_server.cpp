#include "floor_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utility>

#include "wire.hpp"

namespace wspush::floor {
namespace {

constexpr std::size_t kHeadBytesMax = 16384;
constexpr std::size_t kReadBytes = 256 * 1024;
// Half a frame is kept in front of what comes next: no frame may be longer.
constexpr std::size_t kFrameBytesMax = 4 * 1024 * 1024;
constexpr int kEventsPerTurn = 512;
constexpr int kAcceptsPerTurn = 64;
constexpr std::string_view kPing("\x89\0", 2);

std::size_t at(int fd) {
  return static_cast<std::size_t>(fd);
}

// How much of `bytes` the socket took.
std::size_t send_some(int fd, std::string_view bytes) {
  const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

}  // namespace

FloorServer::FloorServer(Mode mode, UniqueFd listener, UniqueFd signals, TlsContext tls)
    : mode_(mode),
      listener_(std::move(listener)),
      signals_(std::move(signals)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      tls_(std::move(tls)),
      socket_buffer_(tls_ == nullptr ? 0 : kReadBytes),
      buffer_(kFrameBytesMax + kReadBytes) {
  watch(listener_.get(), EPOLLIN, EPOLL_CTL_ADD);
  watch(signals_.get(), EPOLLIN, EPOLL_CTL_ADD);
  watch(wake_.get(), EPOLLIN | EPOLLET, EPOLL_CTL_ADD);
  if (mode_ == Mode::kPing) {
    ticks_ = UniqueFd(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    const itimerspec each_second{.it_interval = {1, 0}, .it_value = {1, 0}};
    (void)::timerfd_settime(ticks_.get(), 0, &each_second, nullptr);
    watch(ticks_.get(), EPOLLIN, EPOLL_CTL_ADD);
  }
}

void FloorServer::run() {
  std::array<epoll_event, kEventsPerTurn> events{};
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, -1);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      const int fd = event.data.fd;
      if (fd == signals_.get()) {
        std::fprintf(stderr, "floor_server: full sockets: %llu batches dropped, %llu cut\n",
                     static_cast<unsigned long long>(dropped_batches_),
                     static_cast<unsigned long long>(cut_batches_));
        return;
      }
      if (fd == listener_.get()) {
        accept_some();
      } else if (fd == ticks_.get()) {
        ping_all();
      } else if (fd == wake_.get()) {
        take_handed();
      } else if ((event.events & EPOLLOUT) != 0) {
        on_writable(fd);
      } else {
        on_readable(fd);
      }
    }
  }
}

void FloorServer::watch(int fd, std::uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  (void)::epoll_ctl(epoll_.get(), operation, fd, &event);
}

void FloorServer::accept_some() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      return;
    }
    const int on = 1;
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int number = fd.get();
    if (connections_.size() <= at(number)) {
      connections_.resize(at(number) + 1);
    }
    Connection& connection = connections_[at(number)];
    connection.fd = std::move(fd);
    connection.role = mode_ == Mode::kHttp ? Role::kHttp : Role::kHandshake;
    if (tls_ != nullptr) {
      connection.tls = std::make_unique<TlsPipe>(tls_.get());
    }
    watch(number, EPOLLIN, EPOLL_CTL_ADD);
  }
}

void FloorServer::on_readable(int fd) {
  Connection& connection = connections_[at(fd)];
  // A publisher's or an echo's half frame stands before what is read now, so that frames are whole.
  const std::size_t kept = connection.unfinished.size();
  std::memcpy(buffer_.data(), connection.unfinished.data(), kept);
  char* const to = connection.tls == nullptr ? buffer_.data() + kept : socket_buffer_.data();
  const ssize_t got = ::recv(fd, to, kReadBytes, 0);
  if (got <= 0) {
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      drop(fd);
    }
    return;
  }
  std::size_t count = static_cast<std::size_t>(got);
  if (connection.tls != nullptr) {
    std::string_view input(socket_buffer_.data(), count);
    records_.clear();
    count = 0;
    ssize_t decrypted = 0;
    // Plain text is shorter than its records: `input` always fits.
    while ((decrypted = connection.tls->read(input, buffer_.data() + kept + count,
                                             kReadBytes - count, records_)) > 0) {
      count += static_cast<std::size_t>(decrypted);
    }
    if (decrypted < 0) {
      connection.tls->end(records_);
    }
    if ((!records_.empty() && send_some(fd, records_) != records_.size()) || decrypted < 0) {
      drop(fd);
      return;
    }
  }
  if (count > 0) {
    on_plain(connection, kept, count);
  }
}

void FloorServer::on_plain(Connection& connection, std::size_t begin, std::size_t count) {
  switch (connection.role) {
    case Role::kHandshake:
      on_handshake(connection, {buffer_.data() + begin, count});
      break;
    case Role::kSubscriber:
      break;  // What a subscriber says, a pong or a close, is nothing to the floor.
    case Role::kPublisher:
      on_published(connection, {buffer_.data(), begin + count});
      break;
    case Role::kEcho:
      on_echo(connection, begin + count);
      break;
    case Role::kHttp:
      on_http(connection, {buffer_.data(), begin + count});
      break;
  }
}

void FloorServer::on_handshake(Connection& connection, std::string_view input) {
  const int fd = connection.fd.get();
  std::string& head = connection.unfinished;
  head.append(input);
  if (!head.ends_with("\r\n\r\n")) {
    if (head.size() > kHeadBytesMax) {
      drop(fd);
    }
    return;
  }
  const auto answer = switching_protocols(head);
  if (!answer) {
    drop(fd);
    return;
  }
  const bool is_publisher = head.starts_with("GET /publish ");
  head = std::string();
  send_or_keep(connection, *answer);
  if (mode_ == Mode::kEcho) {
    connection.role = Role::kEcho;
  } else if (is_publisher) {
    connection.role = Role::kPublisher;
  } else {
    connection.role = Role::kSubscriber;
    join(fd);
  }
}

void FloorServer::on_published(Connection& connection, std::string_view input) {
  batch_.clear();
  ClientFrame frame;
  while (read_header(input.data(), input.size(), frame) &&
         input.size() >= frame.header_bytes + frame.payload_bytes) {
    if (frame.opcode() == kOpcodeText || frame.opcode() == kOpcodeBinary) {
      const std::size_t begin = batch_.size();
      batch_.resize(begin + kServerHeaderBytesMax + frame.payload_bytes);
      const std::size_t header =
          write_header(batch_.data() + begin, frame.first_byte, frame.payload_bytes);
      unmask(batch_.data() + begin + header, input.data() + frame.header_bytes, frame.payload_bytes,
             frame.masking_key);
      batch_.resize(begin + header + frame.payload_bytes);
    }
    input.remove_prefix(frame.header_bytes + frame.payload_bytes);
  }
  connection.unfinished.assign(input);
  for (FloorServer* const other : others_) {
    const std::lock_guard lock(other->handed_guard_);
    const std::uint64_t one = 1;
    if (other->handed_.empty()) {
      (void)!::write(other->wake_.get(), &one, sizeof one);
    }
    other->handed_.append(batch_);
  }
  fan_out();
  if (connection.unfinished.size() > kFrameBytesMax) {
    drop(connection.fd.get());
  }
}

// A frame of a server is 4 bytes shorter than the same one of a client, its header too: so the
// answers are made where the frames stand, each behind the one before.
void FloorServer::on_echo(Connection& connection, std::size_t count) {
  char* const begin = buffer_.data();
  std::size_t read = 0;
  std::size_t written = 0;
  ClientFrame frame;
  while (read_header(begin + read, count - read, frame) &&
         count - read >= frame.header_bytes + frame.payload_bytes) {
    written += write_header(begin + written, frame.first_byte, frame.payload_bytes);
    unmask(begin + written, begin + read + frame.header_bytes, frame.payload_bytes,
           frame.masking_key);
    written += frame.payload_bytes;
    read += frame.header_bytes + frame.payload_bytes;
  }
  connection.unfinished.assign(begin + read, count - read);
  if (connection.unfinished.size() > kFrameBytesMax) {
    drop(connection.fd.get());
  } else if (written > 0) {
    send_or_keep(connection, {begin, written});
  }
}

// The answers to all requests that are whole leave with one send().
void FloorServer::on_http(Connection& connection, std::string_view input) {
  batch_.clear();
  while (const std::size_t bytes = request_bytes(input)) {
    batch_.append(kPublishAnswer);
    input.remove_prefix(bytes);
  }
  connection.unfinished.assign(input);
  if (connection.unfinished.size() > kFrameBytesMax) {
    drop(connection.fd.get());
  } else if (!batch_.empty()) {
    send_or_keep(connection, batch_);
  }
}

// What the socket does not take is kept, and nothing is read meanwhile.
void FloorServer::send_or_keep(Connection& connection, std::string_view plain) {
  std::string_view bytes = plain;
  if (connection.tls != nullptr) {
    records_.clear();
    connection.tls->write(plain, records_);
    bytes = records_;
  }
  if (!connection.unsent.empty()) {
    connection.unsent.append(bytes);
    return;
  }
  const std::size_t sent = send_some(connection.fd.get(), bytes);
  if (sent < bytes.size()) {
    keep(connection, bytes.substr(sent));
  }
}

void FloorServer::keep(Connection& connection, std::string_view rest) {
  connection.unsent.assign(rest);
  connection.sent_of_unsent = 0;
  watch(connection.fd.get(), EPOLLOUT, EPOLL_CTL_MOD);
}

void FloorServer::on_writable(int fd) {
  Connection& connection = connections_[at(fd)];
  const auto rest = std::string_view(connection.unsent).substr(connection.sent_of_unsent);
  const ssize_t sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    drop(fd);
    return;
  }
  connection.sent_of_unsent += static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
  if (connection.sent_of_unsent == connection.unsent.size()) {
    connection.unsent.clear();
    watch(fd, EPOLLIN, EPOLL_CTL_MOD);
    if (std::exchange(connection.is_cut, false)) {
      join(fd);
    }
  }
}

// A batch that meets a full socket is dropped. One that was begun has to be ended first: until the
// socket has taken the rest, its reader is off the list of those who get the next.
void FloorServer::fan_out() {
  if (batch_.empty()) {
    return;
  }
  for (std::size_t i = 0; i < members_.size();) {
    const int fd = members_[i];
    std::string_view bytes = batch_;
    if (tls_ != nullptr) {
      records_.clear();
      connections_[at(fd)].tls->write(batch_, records_);
      bytes = records_;
    }
    const std::size_t sent = send_some(fd, bytes);
    // Records are numbered: what was encrypted has to go, though nothing of it went yet.
    if (sent == bytes.size() || (sent == 0 && tls_ == nullptr)) {
      ++i;
      dropped_batches_ += sent == 0 ? 1 : 0;
      continue;
    }
    Connection& connection = connections_[at(fd)];
    keep(connection, bytes.substr(sent));
    leave(fd);  // the last member is at `i` now
    connection.is_cut = true;
    ++cut_batches_;
  }
}

void FloorServer::take_handed() {
  batch_.clear();
  {
    const std::lock_guard lock(handed_guard_);
    batch_.swap(handed_);
  }
  fan_out();
}

void FloorServer::ping_all() {
  std::uint64_t ticks = 0;
  (void)!::read(ticks_.get(), &ticks, sizeof ticks);
  for (const int fd : members_) {
    send_or_keep(connections_[at(fd)], kPing);
  }
}

void FloorServer::join(int fd) {
  connections_[at(fd)].member = members_.size();
  members_.push_back(fd);
}

void FloorServer::leave(int fd) {
  const std::size_t member = connections_[at(fd)].member;
  members_[member] = members_.back();
  connections_[at(members_[member])].member = member;
  members_.pop_back();
}

void FloorServer::drop(int fd) {
  Connection& connection = connections_[at(fd)];
  if (connection.role == Role::kSubscriber && !connection.is_cut) {
    leave(fd);
  }
  connection = Connection{};
}

}  // namespace wspush::floor
