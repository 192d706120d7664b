// The floor of a fan-out: what is left when a push server does nothing but the unavoidable system
// calls. One thread, one epoll; a message of a publisher (a client that asked for /publish) is
// framed once and sent to every other client, in the order in which they came, with one send()
// each; messages that arrive together leave together. No history, no ids, no heartbeat, no
// timeouts, no metrics: this is a ruler for scripts/bench and not a server for anybody.

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "sockets.hpp"
#include "wire.hpp"

namespace wspush::load {
namespace {

constexpr std::size_t kHeadBytesMax = 16384;
constexpr std::size_t kReadBytes = 256 * 1024;
constexpr int kEventsPerTurn = 512;
constexpr int kAcceptsPerTurn = 64;

class FloorServer {
 public:
  explicit FloorServer(UniqueFd listener, UniqueFd signals)
      : listener_(std::move(listener)), signals_(std::move(signals)), read_buffer_(kReadBytes) {}

  /// Serves until SIGTERM or SIGINT. Returns the exit code.
  int run();

 private:
  enum class Role : std::uint8_t { kHandshake, kSubscriber, kPublisher };
  struct Connection {
    UniqueFd fd;
    Role role = Role::kHandshake;
    std::size_t member = 0;  // index in members_, of a subscriber
    std::string unfinished;  // half a head, or a publisher's half frame
  };

  void watch(int fd);
  void accept_some();
  void on_readable(int fd);
  void on_handshake(Connection& connection);
  void on_published(Connection& connection, std::string_view input);
  void fan_out();
  void drop(int fd);

  UniqueFd listener_;
  UniqueFd signals_;
  UniqueFd epoll_;
  std::vector<char> read_buffer_;
  std::vector<Connection> connections_;  // by descriptor
  std::vector<int> members_;             // dense, in arrival order
  std::string batch_;                    // what one read of a publisher brought, framed
  std::uint64_t dropped_sends_ = 0;
};

int FloorServer::run() {
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  watch(listener_.get());
  watch(signals_.get());
  std::array<epoll_event, kEventsPerTurn> events{};
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == signals_.get()) {
        std::fprintf(stderr, "floor_server: %llu sends dropped because a socket was full\n",
                     static_cast<unsigned long long>(dropped_sends_));
        return 0;
      }
      if (fd == listener_.get()) {
        accept_some();
      } else {
        on_readable(fd);
      }
    }
  }
}

void FloorServer::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
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
    if (connections_.size() <= static_cast<std::size_t>(number)) {
      connections_.resize(static_cast<std::size_t>(number) + 1);
    }
    connections_[static_cast<std::size_t>(number)] =
        Connection{.fd = std::move(fd), .unfinished = {}};
    watch(number);
  }
}

void FloorServer::on_readable(int fd) {
  const ssize_t got = ::recv(fd, read_buffer_.data(), read_buffer_.size(), 0);
  if (got <= 0) {
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      drop(fd);
    }
    return;
  }
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  const std::string_view input(read_buffer_.data(), static_cast<std::size_t>(got));
  switch (connection.role) {
    case Role::kHandshake:
      connection.unfinished.append(input);
      on_handshake(connection);
      break;
    case Role::kSubscriber:
      break;  // What a subscriber says, a pong or a close, is nothing to the floor.
    case Role::kPublisher:
      on_published(connection, input);
      break;
  }
}

void FloorServer::on_handshake(Connection& connection) {
  const int fd = connection.fd.get();
  const std::string_view head = connection.unfinished;
  if (head.find("\r\n\r\n") == std::string_view::npos) {
    if (head.size() > kHeadBytesMax) {
      drop(fd);
    }
    return;
  }
  const auto key = find_header(head, "sec-websocket-key");
  if (!key) {
    drop(fd);
    return;
  }
  const std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_for(*key) + "\r\n\r\n";
  if (head.substr(0, 13) == "GET /publish ") {
    connection.role = Role::kPublisher;
  } else {
    connection.role = Role::kSubscriber;
    connection.member = members_.size();
    members_.push_back(fd);
  }
  connection.unfinished = std::string();
  if (::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(answer.size())) {
    drop(fd);
  }
}

void FloorServer::on_published(Connection& connection, std::string_view input) {
  std::string& unfinished = connection.unfinished;
  if (!unfinished.empty()) {
    unfinished.append(input);
    input = unfinished;
  }
  batch_.clear();
  FrameView frame;
  FrameStatus status = FrameStatus::kNeedMore;
  while ((status = parse_frame(input, frame)) == FrameStatus::kWhole) {
    if (frame.opcode == kOpcodeText || frame.opcode == kOpcodeBinary) {
      append_server_frame(batch_, frame.opcode,
                          input.substr(frame.header_bytes, frame.payload_bytes));
      if (frame.is_masked) {
        apply_mask(batch_.data() + batch_.size() - frame.payload_bytes, frame.payload_bytes,
                   frame.masking_key);
      }
    }
    input.remove_prefix(frame.bytes());
  }
  unfinished = std::string(input);
  fan_out();
  if (status == FrameStatus::kRefused) {
    drop(connection.fd.get());
  }
}

void FloorServer::fan_out() {
  if (batch_.empty()) {
    return;
  }
  for (const int fd : members_) {
    const ssize_t sent = ::send(fd, batch_.data(), batch_.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(batch_.size())) {
      continue;
    }
    ++dropped_sends_;
    if (sent > 0) {
      // A frame was cut; only closing keeps its reader from taking the next one for the rest of it.
      (void)::shutdown(fd, SHUT_RDWR);
    }
  }
}

void FloorServer::drop(int fd) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  if (connection.role == Role::kSubscriber) {
    const int last = members_.back();
    members_[connection.member] = last;
    connections_[static_cast<std::size_t>(last)].member = connection.member;
    members_.pop_back();
  }
  connection = Connection{};
}

int main_of(int argc, char** argv) {
  if (argc > 2 || (argc == 2 && std::string_view(argv[1]) == "--help")) {
    std::fprintf(stderr, "usage: floor_server [HOST:PORT]   (default 127.0.0.1:0, a free port)\n");
    return argc == 2 ? 0 : 2;
  }
  const auto at = parse_address(argc == 2 ? argv[1] : "127.0.0.1:0");
  if (!at) {
    std::fprintf(stderr, "floor_server: %s\n", at.error().c_str());
    return 2;
  }
  (void)raise_descriptor_limit();
  auto listener = listen_on(*at);
  if (!listener) {
    std::fprintf(stderr, "floor_server: %s\n", listener.error().c_str());
    return 1;
  }
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGTERM);
  ::sigaddset(&ends, SIGINT);
  (void)::sigprocmask(SIG_BLOCK, &ends, nullptr);
  UniqueFd signals(::signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC));
  std::fprintf(stderr, "listening on %s (public)\n",
               local_address(listener->get()).to_string().c_str());
  return FloorServer(std::move(*listener), std::move(signals)).run();
}

}  // namespace
}  // namespace wspush::load

int main(int argc, char** argv) {
  return wspush::load::main_of(argc, argv);
}
