#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/epoll.h>

#include "wspush/base/clock.hpp"

#include "base/unique_fd.hpp"
#include "load/tls_client.hpp"

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

/// A non-blocking socket, plain or TLS, standing or still connecting, and the bytes that it could
/// not take yet.
class Connection {
 public:
  Connection() = default;

  /// Connects to `target` and has `opening` waiting: it leaves when the connection stands. `tls` is
  /// needed where the target uses it. Both it and `poller` must live longer. Errors: the call that
  /// failed and why; what comes later is told by the calls below.
  static Result<Connection, std::string> dial(const Target& target, TlsClient* tls, Poller& poller,
                                              std::uint64_t token, std::size_t source_index,
                                              std::string opening, int receive_buffer_bytes = 0);

  /// Sends, or keeps what does not fit. False: the connection is gone, failure_text() says why.
  bool send(std::string_view bytes, Poller& poller);

  /// To be called when epoll says that the socket is writable. False as in `send`.
  bool on_writable(Poller& poller);

  /// One read: the bytes, empty where there are none now; nullopt at the end or on an error, as in
  /// `send`. Lifetime of the view: `buffer`.
  std::optional<std::string_view> read(std::span<char> buffer, Poller& poller);

  /// From now on the kernel notes when what is read had arrived. Plain connections only: of others,
  /// and where the kernel does not, it stays unknown.
  void note_arrivals();

  /// When the last of what `read` brought last had arrived in this socket; nullopt: unknown.
  std::optional<TimePoint> arrived_at() const { return arrived_at_; }

  /// More can be read that epoll knows nothing of.
  bool has_buffered() const;

  /// Never reads again; only an end is still told by epoll.
  void stop_reading(Poller& poller);

  /// Says goodbye where TLS has a word for it, and closes.
  void close();

  bool is_open() const { return static_cast<bool>(fd_); }
  bool has_unsent() const { return !unsent_.empty(); }

 private:
  /// Takes a TLS handshake on. False as in `send`.
  bool secure(Poller& poller);
  bool flush(Poller& poller);
  /// recv(), with the time of arrival where it is noted.
  std::int64_t receive(std::span<char> buffer);
  /// Bytes taken, 0 where it would block, -1 at an error.
  std::int64_t write_some(std::string_view bytes);
  void want(std::uint32_t events, Poller& poller);

  UniqueFd fd_;
  SslPointer ssl_;  // dies before the descriptor, which it does not own
  TlsClient* tls_ = nullptr;
  std::uint64_t token_ = 0;
  std::uint32_t events_ = 0;
  bool is_secured_ = false;
  bool notes_arrivals_ = false;
  std::optional<TimePoint> arrived_at_;
  std::string unsent_;
};

/// Why the last call that failed did: OpenSSL's word, the system's, or that the server closed.
std::string failure_text();

}  // namespace wspush::load
