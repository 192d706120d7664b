#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <variant>
#include <vector>

#include "wspush/base/clock.hpp"
#include "wspush/base/random.hpp"
#include "wspush/config/config.hpp"

#include "api/routes.hpp"
#include "base/limited_log.hpp"
#include "base/slot_map.hpp"
#include "door/context.hpp"
#include "door/credentials.hpp"
#include "hub/hub.hpp"
#include "metrics/reactor_metrics.hpp"
#include "net/acceptor.hpp"
#include "net/connect_limiter.hpp"
#include "net/epoll_loop.hpp"
#include "net/mailbox.hpp"
#include "net/network_set.hpp"
#include "net/timer_wheel.hpp"
#include "net/tls_stream.hpp"
#include "server/direct_output.hpp"
#include "server/engine_choice.hpp"
#include "server/http_session.hpp"
#include "server/process_limits.hpp"
#include "server/public_router.hpp"
#include "server/socket_connection.hpp"
#include "server/tls_setup.hpp"

namespace wspush::server {

class Reactor;

/// Something to be done by another reactor, in its turn.
using Task = std::function<void(Reactor&)>;
using Mail = std::variant<hub::HubMail, Task>;

/// What all reactors of a process share. Atomics, or guarded within.
struct Shared {
  explicit Shared(std::uint64_t seed) : limiter(seed) {}

  hub::HubShared hub;
  net::ConnectLimiter limiter;
  net::NetworkSet trusted_proxies;
  std::atomic<std::uint64_t> public_connections{0};
  std::atomic<std::uint64_t> internal_connections{0};
  std::atomic<bool> is_draining{false};
  std::atomic<bool> is_short_of_memory{false};
  std::uint64_t instance = 0;         ///< random, of this process
  std::uint64_t descriptors_max = 0;  ///< RLIMIT_NOFILE
  Memory memory_max;                  ///< that the process may use
};

/// Reaches the other reactors.
class Peers {
 public:
  virtual ~Peers() = default;
  virtual net::Mailbox<Mail>& mailbox_of(std::uint16_t reactor) = 0;
};

/// One thread: an epoll loop, its listeners, connections, timers, and a shard of the hub. A turn
/// waits for events, expires timers, takes mail, reads sockets, fans out, writes, hands its mail
/// over, and destroys what ended. Everything of it is used by its own thread only, but `mailbox`
/// and `metrics`.
class Reactor final : public hub::Post,
                      public hub::MemberSender,
                      public hub::SubscriberEvents,
                      public ClientGate {
 public:
  struct Options {
    std::uint16_t index = 0;
    std::uint16_t count = 1;
    std::uint64_t seed = 0;
    std::shared_ptr<const config::Config> config;
    std::shared_ptr<const auth::TopicRules> rules;
    std::shared_ptr<const auth::JwtVerifier> tokens;
    std::vector<UniqueFd> public_listeners;
    UniqueFd internal_listener;
    ListenerTls tls;
    engine::DiskWriter* disk = nullptr;  ///< null: messages stay in memory
  };

  Reactor(Options options, Shared& shared, Peers& peers, api::ServerView& server);
  ~Reactor() override;

  /// The thread's body; returns after `stop`.
  void run();

  // --- any thread
  net::Mailbox<Mail>& mailbox() { return mailbox_; }
  const metrics::ReactorMetrics& metrics_of() const { return metrics_; }
  /// When the loop last began a turn, nanoseconds of the monotonic clock.
  std::int64_t last_turn() const { return last_turn_.load(std::memory_order_relaxed); }

  // --- tasks
  void stop() { is_stopping_ = true; }
  void apply(std::shared_ptr<const config::Config> config,
             std::shared_ptr<const auth::TopicRules> rules,
             std::shared_ptr<const auth::JwtVerifier> tokens, const ListenerTls& tls);
  /// Visits the public connections that are here now, some in each turn, then calls `done`: so
  /// that many of them hold nobody up. Who comes meanwhile may be visited or not.
  void visit_public(std::function<void(SocketConnection&)> visit, std::function<void()> done);
  /// Visits the topics at home here, with their numbers of subscribers, in the same way.
  void visit_topics(std::function<void(ByteView, std::uint64_t)> visit, std::function<void()> done);
  /// Ends those of whom `is_meant` says so, in the same way; `done` gets how many.
  void end_connections_of(std::function<bool(const auth::Identity&)> is_meant,
                          std::function<void(std::size_t)> done);
  /// Takes what waits in the accept queues, closes the public listeners, and ends the public
  /// connections spread over `period`.
  void begin_drain(Duration period);
  /// The internal requests that would go on without an end get their answers; connections that
  /// wait for a request are closed.
  void end_internal_requests() {
    connections_.for_each([](Handle, SocketConnection& connection) {
      if (!connection.is_public() && connection.is_open()) {
        connection.session().end(door::EndReason::kGoingAway);
      }
    });
  }
  /// Ends the public connection whose queue is the largest, if any has one.
  void shed_load();
  std::uint64_t public_connection_count() const { return public_count_; }
  template <typename Visit>
  void for_each_public(Visit&& visit) {
    connections_.for_each([&](Handle, SocketConnection& connection) {
      if (connection.is_public() && connection.is_open()) {
        visit(connection);
      }
    });
  }
  SocketConnection* find(Handle handle) { return connections_.find(handle); }
  Handle handle_of(std::uint32_t slot) { return connections_.handle_of(slot); }
  void post(std::uint16_t reactor, Task task);

  // --- connections
  door::Context& context() { return context_; }
  hub::Hub& hub() { return hub_; }
  engine::Engine& engine() { return *engine_; }
  const config::Config& config() const { return *context_.config; }
  metrics::ReactorMetrics& metrics() { return metrics_; }
  net::TimerWheel& timers() { return timers_; }
  MutableBytes receive_buffer() { return receive_buffer_; }
  std::vector<iovec>& pieces() { return pieces_; }
  hub::FrameBatch& frame_batch() { return frame_batch_; }
  DirectOutput& direct_output() { return direct_output_; }
  /// Bytes that may still go from logs through streams in this turn.
  std::size_t streamed_bytes_left() const { return streamed_bytes_left_; }
  void use_streamed_bytes(std::size_t bytes) {
    streamed_bytes_left_ -= std::min(streamed_bytes_left_, bytes);
  }
  void watch(int fd, Handle handle, std::uint32_t events);
  /// It has something to write: nobody else may write to it before that is out.
  void want_flush(SocketConnection& connection);
  void want_input(SocketConnection& connection) { input_.push_back(connection.handle()); }
  void want_destruction(SocketConnection& connection) { dead_.push_back(connection.handle()); }
  void leave_topics(SocketConnection& connection) { leaving_.push_back(connection.handle()); }
  void set_busy(std::uint32_t slot, bool is_busy) { busy_[slot] = is_busy ? 1 : 0; }
  bool is_busy(std::uint32_t slot) const { return busy_[slot] != 0; }
  /// A connection that is not busy has something to say by itself, soon: the fan-out passes it over
  /// until `give_place_back`, which is false where more has come meanwhile that a flush will write.
  void want_place(std::uint32_t slot) { busy_[slot] = std::max(busy_[slot], kBusy); }
  bool give_place_back(std::uint32_t slot) {
    const bool is_idle = busy_[slot] == kBusy;
    busy_[slot] = is_idle ? 0 : busy_[slot];
    return is_idle;
  }
  /// Whether an answer may leave before the end of the turn. Not while there is mail to hand over:
  /// whoever acts on the answer must find the other reactors knowing what was known here.
  bool may_answer_now() const;
  /// The connection's PROXY header is there and names `client`, or nobody.
  void on_proxy_header(SocketConnection& connection, const net::IpAddress& client);
  void on_bad_proxy_header(const net::IpAddress& peer, std::string_view fault);
  void count_door_change(const SocketConnection& connection, door::DoorKind from,
                         door::DoorKind to);

  // --- ClientGate
  net::Admission judge_client(Handle handle, const http::RequestHead& head) override;

  // --- hub::Post, hub::MemberSender, hub::SubscriberEvents
  void send(std::uint16_t reactor, hub::HubMail mail) override;
  void send(std::span<const hub::Member> members, std::span<const iovec> parts, std::size_t bytes,
            std::vector<hub::ShortSend>& fell_short) override;
  hub::Output output_of(std::uint32_t slot) const override {
    const SocketConnection* const connection = connections_.in_slot(slot);
    return connection == nullptr ? hub::Output::kLost : connection->output();
  }
  void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) override;
  bool on_gap(std::uint32_t slot, hub::WireForm form, const hub::Gap& gap) override;
  void on_too_slow(std::uint32_t slot) override;
  void on_behind(std::uint32_t slot) override;
  void on_leaving(std::uint32_t slot) override;
  void on_cut(std::uint32_t slot, const hub::MessageRef& message, hub::WireForm form,
              std::size_t taken) override;
  void on_send_error(std::uint32_t slot, int error) override;
  void on_withdrawn(std::uint32_t slot, hub::WireForm form, ByteView topic) override;
  hub::PresentUser user_of(std::uint32_t slot) override {
    return door::present_user(in_slot(slot)->latest_session().identity_ref());
  }

 private:
  struct Listening {
    net::Acceptor acceptor;
    bool is_public;
    bool is_unix;
    bool has_proxy_header = false;
    std::shared_ptr<const net::TlsContext> tls;  ///< null: plain
    bool is_watched = false;
  };

  // Handles of listeners: generation 0, which no connection has; 0 itself is the mailbox.
  static constexpr std::uint64_t kFirstListenerEvent = 1;

  // A connection's busy byte: the fan-out passes over all that are not 0.
  static constexpr std::uint8_t kBusy = 1;          ///< waits for its socket, or is closing
  static constexpr std::uint8_t kBusyFlushing = 2;  ///< in the list of those to be flushed

  void turn();
  int wait_timeout();
  void notice_pause(TimePoint before, TimePoint now);
  void accept_from(std::size_t index);
  void watch_listener(std::size_t index, bool is_on);
  void admit(net::Accepted&& accepted, const Listening& listening);
  void refuse(UniqueFd fd, const Listening& listening, int status, std::string_view message);
  bool is_trusted_proxy(const net::IpAddress& address, bool is_unix) const;
  net::Admission count_client(const net::IpAddress& address);
  net::Admission change_client(SocketConnection& connection, const net::IpAddress& client);
  static std::string refusal_text(int status, std::string_view message,
                                  std::uint64_t retry_seconds);
  void run_input();
  void flush_connections();
  void leave_topics();
  void destroy_dead();
  bool is_held_up_by_peers() const;
  void hand_over_mail();
  void resume_listeners();
  void drain_some();
  void visit_some();
  void drop_old_rules();
  ConnectionTerms& current_terms();
  void drop_unused_terms();
  void publish_counters();
  void publish_tls_counters();
  void send_through_streams(std::span<const hub::Member> members, std::span<const iovec> parts,
                            std::size_t bytes, std::vector<hub::ShortSend>& fell_short);
  void tell_out_of_memory() noexcept;
  /// `bad_alloc` fails the connection at hand, not the process.
  template <typename Step>
  void guarded(SocketConnection& connection, Step&& step) {
    try {
      step();
    } catch (const std::bad_alloc&) {
      connection.close_now();
      tell_out_of_memory();
    }
  }
  std::uint64_t connections_max() const;
  SocketConnection* in_slot(std::uint32_t slot) { return connections_.in_slot(slot); }

  Shared& shared_;
  Peers& peers_;
  const std::uint16_t index_;
  SystemClock clock_;
  metrics::ReactorMetrics metrics_;
  net::EpollLoop loop_;
  net::TimerWheel timers_;
  net::Mailbox<Mail> mailbox_;
  std::vector<std::vector<Mail>> outgoing_;  ///< by reactor
  std::vector<char> receive_memory_;
  MutableBytes receive_buffer_;
  SplitMix64 random_;
  std::unique_ptr<engine::Engine> engine_;
  door::Deflation deflation_;
  hub::Hub hub_;
  door::Context context_;
  api::ApiContext api_context_;
  PublicRouter public_router_;
  std::unique_ptr<Router> internal_router_;
  net::TlsWorkspace tls_workspace_;
  std::vector<std::unique_ptr<ConnectionTerms>> terms_;  ///< the last: of those that come now
  SlotMap<SocketConnection> connections_;
  std::vector<std::uint8_t> busy_;  ///< by slot: has bytes to write, or is closing
  std::vector<Listening> listening_;
  std::vector<net::Accepted> accepted_;

  std::vector<Handle> flush_;
  std::vector<Handle> flushing_;
  std::vector<Handle> input_;
  std::vector<Handle> leaving_;
  std::vector<Handle> dead_;
  std::vector<Handle> draining_;
  struct Visits {
    std::function<void(std::uint32_t first, std::uint32_t last)> visit;  ///< these slots
    std::function<void()> done;
    std::uint32_t next = 0;  ///< slot
    std::uint32_t end = 0;
  };
  /// One after another. Each was asked for by the API, whose connections are bounded, or by a
  /// reload.
  std::deque<Visits> visits_;
  std::vector<std::shared_ptr<const auth::TopicRules>> old_rules_;  ///< some topic may use them yet
  TimePoint drain_next_{};
  Duration drain_step_{};
  TimePoint drain_http_at_{};  ///< from then on those that take requests are closed
  std::vector<iovec> pieces_;
  hub::FrameBatch frame_batch_;
  DirectOutput direct_output_;
  std::size_t streamed_bytes_left_ = 0;
  std::uint64_t public_count_ = 0;
  TimePoint next_sweep_{};
  TimePoint turn_ended_{};
  bool has_more_work_ = false;
  bool is_stopping_ = false;
  std::atomic<std::int64_t> last_turn_{0};
  log::LimitedLog accept_log_;
  log::LimitedLog full_log_;
  log::LimitedLog proxy_header_log_;
  log::LimitedLog memory_log_;
  log::LimitedLog tls_log_;
  hub::HubCounters published_counters_;
  std::array<std::uint64_t, net::kTlsResultCount> published_tls_{};
};

}  // namespace wspush::server
