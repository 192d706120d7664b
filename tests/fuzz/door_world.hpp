#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "auth/topic_rules.hpp"
#include "door/context.hpp"
#include "engine/memory_engine.hpp"
#include "hub/hub.hpp"
#include "metrics/reactor_metrics.hpp"
#include "server/http_session.hpp"
#include "server/public_router.hpp"

// One client's connection before real sessions, doors and hubs, with a socket, a clock and chance
// of the target's: all that happens is said by the input.
namespace wspush::fuzz {

class DoorWorld;

/// A connection as the server's own behaves (docs: include/wspush/door/session.hpp), its socket a
/// string that takes as many bytes as it is told.
class FuzzConnection final : public door::Connection {
 public:
  FuzzConnection(DoorWorld& world, std::shared_ptr<const config::Config> config);

  // --- door::Connection
  Handle handle() const override { return {kSlot, 9}; }
  door::Context& context() const override;
  hub::Member member() const override { return {is_holding_ ? hub::kHeld : 77, kSlot}; }
  std::string peer_address() const override { return "192.0.2.1"; }
  bool peer_is_loopback() const override { return is_internal_; }
  bool is_public() const override { return !is_internal_; }
  const config::Config& config() const override { return *config_; }
  WallTime since() const override { return {}; }
  void write(ByteView head, ByteView body) override;
  void write_last(ByteView head, ByteView body) override;
  std::size_t queued_bytes() const override { return out_.size(); }
  bool is_congested() override;
  bool is_blocked() const override { return is_blocked_; }
  void pause_input() override { is_paused_ = true; }
  void resume_input() override;
  void yield_input() override { is_yielding_ = true; }
  void close_after_flush(door::Linger linger) override;
  void want_drained() override { wants_flush_ = true; }
  void close_now() override { die(); }
  void hold_frames(bool is_held) override { is_holding_ = is_held; }
  void replace_session(std::unique_ptr<door::Session> next) override;
  void add_layer(std::unique_ptr<net::StreamLayer> layer) override { layer_ = std::move(layer); }
  TimePoint last_heard() const override { return last_heard_; }
  TimePoint last_sent() const override { return last_sent_; }
  void set_deadline(TimePoint deadline) override { deadline_ = deadline; }
  TimePoint deadline() const override { return deadline_; }

  // --- the world
  void start(std::unique_ptr<door::Session> session) { session_ = std::move(session); }
  /// On the internal listener, from this machine.
  void start_internal(std::unique_ptr<door::Session> session) {
    is_internal_ = true;
    session_ = std::move(session);
  }
  door::Session& session() { return *session_; }
  bool is_open() const { return state_ == State::kOpen; }
  bool is_dead() const { return state_ == State::kDead; }
  bool is_busy() const { return !is_open() || is_blocked_ || !out_.empty() || cut_.has_value(); }
  bool has_unsent() const { return !out_.empty() || cut_.has_value(); }
  /// Everything that the socket took.
  const std::string& sent() const { return sent_; }
  std::string& sent() { return sent_; }

  void receive(ByteView bytes);
  void receive_end();
  void continue_input();
  void flush();
  void on_time();
  void lose() { die(); }
  /// What of `bytes` the socket takes now.
  std::size_t take(std::size_t bytes);
  /// From now on the socket takes this many bytes, then nothing.
  void set_room(std::size_t room);
  void keep_cut(const hub::MessageRef& message, hub::WireForm form, std::size_t taken);

  static constexpr std::uint32_t kSlot = 3;

 private:
  enum class State : std::uint8_t { kOpen, kClosing, kLingering, kDead };
  struct Cut {
    hub::MessageRef message;
    hub::WireForm form;
    std::size_t taken;
  };

  void write_out();
  std::size_t run_session(MutableBytes input);
  bool change_session();
  bool may_take_input() const {
    return state_ == State::kOpen && !is_paused_ && !is_congested_ && !is_yielding_ && !has_ended_;
  }
  void die();

  DoorWorld& world_;
  std::shared_ptr<const config::Config> config_;
  std::unique_ptr<door::Session> session_;
  std::unique_ptr<door::Session> next_session_;
  std::unique_ptr<net::StreamLayer> layer_;  ///< kept and not used: frames are looked at plain
  std::string kept_input_;
  std::string out_;
  std::string sent_;
  std::optional<Cut> cut_;
  std::size_t room_ = SIZE_MAX;
  TimePoint last_heard_;
  TimePoint last_sent_;
  TimePoint deadline_ = TimePoint::max();
  TimePoint blocked_since_{};
  TimePoint closed_by_ = TimePoint::max();
  State state_ = State::kOpen;
  bool is_internal_ = false;
  bool is_holding_ = false;
  bool lingers_ = true;
  bool is_paused_ = false;
  bool is_yielding_ = false;
  bool is_congested_ = false;
  bool is_blocked_ = false;
  bool is_flushing_ = false;
  bool wants_flush_ = false;
  bool has_ended_ = false;
};

/// Two reactors: the connection lives in the first, half of the topics in the other.
class DoorWorld final : public hub::Post,
                        public hub::MemberSender,
                        public hub::SubscriberEvents,
                        public server::ClientGate {
 public:
  static constexpr std::uint16_t kReactors = 2;

  explicit DoorWorld(std::shared_ptr<config::Config> config);

  door::Context& context() { return *context_; }
  FuzzConnection& connection() { return *connection_; }
  TimePoint now() const { return now_; }

  /// What a connection begins with.
  void start_http();
  /// Mail, input that was kept, fan-out, what waits: until nothing moves any more.
  void turn();
  void pass(Duration time);
  /// As another client does, at reactor `from`.
  void publish(std::size_t from, ByteView topic, hub::PayloadKind kind, ByteView payload);
  void sweep();
  /// With a rule for all topics that lets nobody in, or with the ones of the start.
  void reload(bool is_open);

  // Post
  void send(std::uint16_t reactor, hub::HubMail mail) override;
  // MemberSender
  void send(std::span<const hub::Member> members, std::span<const iovec> parts, std::size_t bytes,
            std::vector<hub::ShortSend>& fell_short) override;
  // SubscriberEvents
  void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) override;
  bool on_gap(std::uint32_t slot, hub::WireForm form, const hub::Gap& gap) override;
  void on_too_slow(std::uint32_t slot) override;
  void on_behind(std::uint32_t slot) override;
  void on_leaving(std::uint32_t slot) override;
  void on_cut(std::uint32_t slot, const hub::MessageRef& message, hub::WireForm form,
              std::size_t taken) override;
  void on_send_error(std::uint32_t slot, int error) override;
  void on_withdrawn(std::uint32_t slot, hub::WireForm form, ByteView topic) override;
  // ClientGate
  net::Admission judge_client(Handle connection, const http::RequestHead& head) override;

 private:
  friend class FuzzConnection;

  void leave_topics();

  TimePoint now_{std::chrono::hours(1)};
  std::shared_ptr<const config::Config> config_;
  SplitMix64 random_{1};
  metrics::ReactorMetrics metrics_;
  std::unique_ptr<door::Deflation> deflation_;
  hub::HubShared shared_;
  std::deque<std::pair<std::uint16_t, hub::HubMail>> mail_;
  std::vector<std::unique_ptr<engine::MemoryEngine>> engines_;
  std::vector<std::unique_ptr<hub::Hub>> hubs_;
  std::vector<std::shared_ptr<const auth::TopicRules>> rules_;  ///< all there were
  std::unique_ptr<door::Context> context_;
  std::unique_ptr<server::PublicRouter> router_;
  std::unique_ptr<FuzzConnection> connection_;
  bool is_leaving_ = false;
};

/// Rules as a public server might have them; `has_tight_limits` so that they are hit.
std::shared_ptr<config::Config> door_config(bool has_tight_limits);

}  // namespace wspush::fuzz
