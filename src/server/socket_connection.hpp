#pragma once

#include <memory>
#include <optional>
#include <string>

#include "wspush/door/session.hpp"
#include "wspush/net/byte_stream.hpp"

#include "base/short_time.hpp"
#include "base/unique_fd.hpp"
#include "net/address.hpp"
#include "net/output_queue.hpp"
#include "net/proxy_protocol.hpp"

namespace wspush::server {

class Reactor;

/// What the connections that came under one configuration share. Owned by their reactor, for as
/// long as one of them lives.
struct ConnectionTerms {
  Reactor& reactor;
  std::shared_ptr<const config::Config> config;
  std::size_t connections = 0;
};

/// One client's socket: bytes in to its session, bytes out from its queue and from the logs that
/// its subscriptions lag behind. Lives in the reactor's slot map; destroyed at the end of a turn.
///
/// What leaves, in this order: the rest of a frame that was cut, the queue (replies, control
/// frames), then frames gathered from the hub. All of it goes through the stream where there is
/// one; what that has taken and the socket has not goes first. What a session says to the input at
/// hand goes through the reactor's DirectOutput instead of the queue, while that is empty.
///
/// There are very many of them, most of them idle: 88 bytes, with times in 4 bytes each, what few
/// have set aside (`Extras`), and the timer in the wheel's own table.
class SocketConnection final : public door::Connection {
 public:
  struct Options {
    UniqueFd fd;
    std::unique_ptr<net::ByteStream> stream;  ///< on `fd`; null: bytes go straight to it
    net::IpAddress peer;
    bool is_unix = false;
    bool is_public = true;
    bool is_counted = false;        ///< by the limiter; to be given back
    bool has_proxy_header = false;  ///< one comes before everything else
    WallTime since{};
  };

  SocketConnection(ConnectionTerms& terms, Options options);
  ~SocketConnection() override;

  /// Right after it got its place.
  void start(std::uint32_t slot) { slot_ = slot; }
  void set_session(std::unique_ptr<door::Session> session);

  // --- door::Connection
  Handle handle() const override;
  door::Context& context() const override;
  hub::Member member() const override {
    return {is_holding_ ? hub::kHeld : is_streamed() ? hub::kStreamed : fd_.get(), slot_};
  }
  std::string peer_address() const override { return peer_.text(); }
  bool peer_is_loopback() const override {
    return is_local_ && (peer_.is_none() || peer_.is_loopback());
  }
  bool is_public() const override { return is_public_; }
  const config::Config& config() const override { return *terms_.config; }
  WallTime since() const override {
    return WallTime(std::chrono::seconds(since_seconds_) + std::chrono::milliseconds(since_ms_));
  }
  void write(ByteView head, ByteView body) override;
  void write_last(ByteView head, ByteView body) override;
  std::size_t queued_bytes() const override { return out_.bytes(); }
  bool is_congested() override;
  bool is_blocked() const override { return is_blocked_; }
  void pause_input() override { is_paused_ = true; }
  void resume_input() override;
  void yield_input() override;
  void close_after_flush(door::Linger linger) override;
  void want_drained() override;
  void close_now() override;
  void hold_frames(bool is_held) override { is_holding_ = is_held; }
  void replace_session(std::unique_ptr<door::Session> next) override;
  void add_layer(std::unique_ptr<net::StreamLayer> layer) override;
  TimePoint last_heard() const override;
  TimePoint last_sent() const override;
  void set_deadline(TimePoint deadline) override;
  TimePoint deadline() const override;

  // --- the reactor
  door::Session& session() { return *session_; }
  /// A request may come on it next: idle, or with a poll that waits (a poller stays one between two
  /// polls).
  bool takes_requests() const {
    const door::DoorKind kind = session_->kind();
    return kind == door::DoorKind::kHttp || kind == door::DoorKind::kPoll;
  }
  /// The one that is about to take over, if there is one.
  door::Session& latest_session() {
    return extras_ != nullptr && extras_->next_session ? *extras_->next_session : *session_;
  }
  std::uint32_t slot() const { return slot_; }
  bool is_open() const { return state_ == State::kOpen; }
  bool is_streamed() const { return stream() != nullptr; }
  /// What became of all that was written here so far.
  hub::Output output() const {
    const bool has_sent_all = out_.is_empty() && cut() == nullptr && !has_unsent();
    return state_ == State::kDead ? hub::Output::kLost
           : has_sent_all         ? hub::Output::kWritten
                                  : hub::Output::kWaiting;
  }
  /// The client, as far as it is known: the other end of the socket, or whom a proxy named.
  const net::IpAddress& peer() const { return peer_; }
  /// Who sends the requests: the other end of the socket, or whom a PROXY header named. Its
  /// forwarding headers are believed or not.
  const net::IpAddress& proxy() const {
    return extras_ != nullptr && extras_->proxy ? *extras_->proxy : peer_;
  }
  /// May throw bad_alloc; nothing has changed then.
  void set_proxy(const net::IpAddress& proxy) { extras().proxy = proxy; }
  bool is_unix() const { return is_unix_; }
  bool is_counted() const { return is_counted_; }
  /// A trusted proxy, which has its own place by now (`set_proxy`), has named the client.
  void set_client(const net::IpAddress& client, bool is_counted) {
    peer_ = client;
    is_counted_ = is_counted;
  }

  void on_events(std::uint32_t events);
  void on_timer();
  /// Goes on with input that was kept while it was paused.
  void continue_input();
  /// How far a flush goes: what is half out and the queue, or on to what waits in topic logs.
  enum class Reach : std::uint8_t { kQueue, kLogs };
  /// Writes what it can, once a turn. True: more is to be written in the next one.
  bool flush(Reach reach = Reach::kLogs);
  /// The fan-out, for a connection with a stream that is not busy: as much of `pieces` as the
  /// stream takes. Says so to the reactor if some of that could not leave yet.
  net::IoResult send_through(std::span<const iovec> pieces);
  /// The fan-out left `message` half out.
  void keep_cut(const hub::MessageRef& message, hub::WireForm form, std::size_t taken);
  /// After the process had been stopped for `gap`.
  void shift_times(Duration gap);

 private:
  enum class State : std::uint8_t {
    kOpen,
    kClosing,    ///< what is queued still goes out
    kLingering,  ///< half-closed; input is thrown away until the peer closes
    kDead,       ///< destroyed at the end of the turn
  };
  struct Cut {
    hub::MessageRef message;
    hub::WireForm form;
    std::size_t taken;
  };

  /// What most connections do not have, or not for long.
  struct Extras {
    std::unique_ptr<net::ByteStream> stream;  ///< null: plain
    std::unique_ptr<door::Session> next_session;
    std::unique_ptr<std::string> kept_input;
    std::unique_ptr<net::ProxyHeaderParser> proxy_header;  ///< until it is complete
    std::optional<Cut> cut;
    std::optional<net::IpAddress> proxy;  ///< where it is not the peer; until the handshake
  };

  class Flushing;
  class SpeakingDirectly;

  Reactor& reactor() const { return terms_.reactor; }
  TimePoint now() const;
  Extras& extras();
  void drop_empty_extras();
  net::ByteStream* stream() const { return extras_ == nullptr ? nullptr : extras_->stream.get(); }
  Cut* cut() const { return extras_ != nullptr && extras_->cut ? &*extras_->cut : nullptr; }
  bool has_kept_input() const { return extras_ != nullptr && extras_->kept_input != nullptr; }
  bool would_overflow(std::size_t bytes) const;
  bool write_direct(ByteView head, ByteView body);
  void send_direct();
  void queue_direct(std::size_t taken);
  bool write_out(Reach reach);
  std::size_t fill_pieces();
  net::IoResult write_pieces(std::span<const iovec> pieces);
  bool has_unsent() const { return is_streamed() && stream()->has_unsent(); }
  bool flush_stream();
  void become_blocked(bool has_progressed);
  void on_readable();
  void on_end();
  net::IoResult read(MutableBytes into);
  void take_proxy_header();
  void take_input(MutableBytes input);
  std::size_t run_session(MutableBytes input);
  bool change_session();
  bool may_take_input() const;
  void watch(bool input, bool output);
  void on_written(std::size_t bytes);
  void on_all_written();
  void die();
  void update_timer();

  static constexpr std::uint32_t kNoSlot = 0xffffffff;

  ConnectionTerms& terms_;
  std::unique_ptr<door::Session> session_;
  net::OutputQueue out_;
  std::unique_ptr<Extras> extras_;
  net::IpAddress peer_;
  ShortTime last_heard_;
  ShortTime last_sent_;
  ShortTime session_deadline_;  ///< meaningful where `has_deadline_`
  ShortTime timeout_from_;      ///< open: blocked since, or the last progress; closing: since when
  UniqueFd fd_;
  std::uint32_t slot_ = kNoSlot;
  std::uint32_t since_seconds_;
  State state_ : 2 = State::kOpen;
  bool has_deadline_ : 1 = false;
  bool is_unix_ : 1;
  bool is_local_ : 1;  ///< the socket's other end is this machine, whoever is behind it
  bool is_public_ : 1;
  bool is_counted_ : 1;
  bool is_paused_ : 1 = false;
  bool is_yielding_ : 1 = false;
  bool is_congested_ : 1 = false;
  bool is_blocked_ : 1 = false;
  bool is_flushing_ : 1 = false;  ///< `flush` is at work: what is written meanwhile only queues
  bool is_holding_ : 1 = false;   ///< frames are not written, the session takes them
  bool lingers_ : 1 = true;       ///< once closing: half-close first
  bool watches_input_ : 1 = true;
  bool watches_output_ : 1 = false;
  bool has_ended_ : 1 = false;  ///< the peer sends nothing more
  std::uint16_t since_ms_ : 10;
};
static_assert(sizeof(SocketConnection) == 88, "one for each client: see connection_memory_test");

}  // namespace wspush::server
