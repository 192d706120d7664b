#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"
#include "tls.hpp"

namespace wspush::floor {

enum class Mode : std::uint8_t {
  kFanOut,  ///< a message of a client that asked for /publish goes to all who did not
  kEcho,    ///< every frame goes back to where it came from
  kPing,    ///< a ping to every connection each second
  kHttp,    ///< every request of a connection gets the same answer
};

/// The least that a server can do: one thread, one epoll, only the system calls that cannot be left
/// out; with others beside it, a thread for each. No history, ids, limits, timeouts or metrics, and
/// no peer is checked: this is a ruler for scripts/bench and not a server for anybody.
class FloorServer {
 public:
  /// `listener` and `signals` (a signalfd that ends run()) do not block; `tls` may be null.
  FloorServer(Mode mode, UniqueFd listener, UniqueFd signals, TlsContext tls);

  /// What is published here goes to the connections of `others`, too: each has a thread of its own.
  /// Before run().
  void share_with(std::vector<FloorServer*> others) { others_ = std::move(others); }

  /// Serves until a signal comes.
  void run();

 private:
  enum class Role : std::uint8_t { kHandshake, kSubscriber, kPublisher, kEcho, kHttp };
  struct Connection {
    UniqueFd fd;
    Role role = Role::kHandshake;
    bool is_cut = false;     // a subscriber that did not take all of a batch
    std::size_t member = 0;  // index in members_, of a subscriber that is not cut
    std::string unfinished;  // half a head, a frame or a request
    std::string unsent;      // what the socket did not take
    std::size_t sent_of_unsent = 0;
    std::unique_ptr<TlsPipe> tls;
  };

  void watch(int fd, std::uint32_t events, int operation);
  void accept_some();
  void on_readable(int fd);
  void on_plain(Connection& connection, std::size_t begin, std::size_t count);
  void on_handshake(Connection& connection, std::string_view input);
  void on_published(Connection& connection, std::string_view input);
  void on_echo(Connection& connection, std::size_t count);
  void on_http(Connection& connection, std::string_view input);
  void on_writable(int fd);
  void send_or_keep(Connection& connection, std::string_view plain);
  void keep(Connection& connection, std::string_view rest);
  void take_handed();
  void fan_out();
  void ping_all();
  void join(int fd);
  void leave(int fd);
  void drop(int fd);

  Mode mode_;
  UniqueFd listener_;
  UniqueFd signals_;
  UniqueFd ticks_;  // of kPing
  UniqueFd wake_;   // there is something in handed_
  UniqueFd epoll_;
  TlsContext tls_;
  std::vector<char> socket_buffer_;      // of TLS: records as they come
  std::vector<char> buffer_;             // half a frame that was kept, then what is new
  std::string records_;                  // of TLS: as they go
  std::string batch_;                    // what one read of a publisher brought, framed
  std::vector<Connection> connections_;  // by descriptor
  std::vector<int> members_;             // dense, in arrival order
  std::vector<FloorServer*> others_;
  std::mutex handed_guard_;
  std::string handed_;  // by others, to be fanned out here
  std::uint64_t dropped_batches_ = 0;
  std::uint64_t cut_batches_ = 0;
};

}  // namespace wspush::floor
