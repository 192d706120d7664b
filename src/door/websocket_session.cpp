#include "door/websocket_session.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/record_pool.hpp"
#include "door/credentials.hpp"
#include "door/heartbeat.hpp"
#include "websocket/frame_encoder.hpp"
#include "websocket/frame_error.hpp"

namespace wspush::door {
namespace {

using websocket::AssemblerEvent;
using websocket::CloseCode;
using websocket::FrameError;
using websocket::Opcode;

/// Control frames of one peer. An honest client sends one in fifty seconds.
constexpr RateLimit kControlFrames{.per_second = 50, .burst = 100};

/// For one that is going away: to take what was published before.
constexpr auto kLeaveTime = std::chrono::seconds(5);

/// The address sanitizer sees the end of a record only where the allocator does.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WSPUSH_HAS_ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WSPUSH_HAS_ADDRESS_SANITIZER
#endif
#if defined(WSPUSH_HAS_ADDRESS_SANITIZER)
constexpr bool kUsesRecordPool = false;
#else
constexpr bool kUsesRecordPool = true;
#endif

/// The limit that was hit; nothing where the peer broke a rule.
std::optional<metrics::Limit> limit_of(FrameError error) {
  if (error == FrameError::kTooManyFrames) {
    return metrics::Limit::kFramesPerMessage;
  }
  if (error == FrameError::kInflatesTooFar) {
    return metrics::Limit::kMaxRatio;
  }
  return error == FrameError::kMessageTooBig ? std::optional(metrics::Limit::kMessageBytes)
                                             : std::nullopt;
}

}  // namespace

void* WebSocketSession::operator new(std::size_t bytes) {
  return kUsesRecordPool ? RecordPool::of_this_thread().take(bytes) : ::operator new(bytes);
}

void WebSocketSession::operator delete(void* session, std::size_t bytes) noexcept {
  if (kUsesRecordPool) {
    RecordPool::of_this_thread().give_back(session, bytes);
  } else {
    ::operator delete(session);
  }
}

WebSocketSession::WebSocketSession(Connection& connection, Context& context)
    : connection_(connection), last_ping_(ShortTime::before(context.now)) {
  WSPUSH_ASSERT(&connection.context() == &context);
  // The first look is anywhere within the interval: connections that came back together after a
  // restart are not pinged together for ever.
  const auto interval = static_cast<std::uint64_t>(config().heartbeat.ping_interval.count());
  const auto first_look =
      std::chrono::milliseconds(context.random.below(std::max<std::uint64_t>(interval, 1)));
  if (context.config->auth.required) {
    extras().unknown_since = context.now;
  }
  const TimePoint first =
      heartbeat_moment(context.now + first_look, config().heartbeat.ping_interval);
  connection_.set_deadline(std::min(first, identity_end()));
}

void WebSocketSession::use_deflate(const websocket::DeflateAgreement& agreement) {
  server_window_bits_ = agreement.server_window_bits & 0xFU;
  client_window_bits_ = agreement.client_window_bits & 0xFU;
  server_context_takeover_ = agreement.server_context_takeover ? 1 : 0;
  client_context_takeover_ = agreement.client_context_takeover ? 1 : 0;
}

std::optional<websocket::DeflateAgreement> WebSocketSession::agreement() const {
  if (!has_deflate()) {
    return std::nullopt;
  }
  return websocket::DeflateAgreement{
      .server_window_bits = static_cast<std::uint8_t>(server_window_bits_),
      .client_window_bits = static_cast<std::uint8_t>(client_window_bits_),
      .server_context_takeover = server_context_takeover_ != 0,
      .client_context_takeover = client_context_takeover_ != 0};
}

/// May throw bad_alloc.
WebSocketSession::Extras& WebSocketSession::extras() {
  if (extras_ == nullptr) {
    extras_ = std::make_unique<Extras>();
  }
  return *extras_;
}

void WebSocketSession::drop_empty_extras() {
  if (extras_ != nullptr && !extras_->late_pong && extras_->inflater == nullptr &&
      extras_->waiting == nullptr && extras_->identity == nullptr &&
      extras_->unknown_since == TimePoint{}) {
    extras_.reset();
  }
}

void WebSocketSession::set_waiting(std::unique_ptr<Waiting> waiting) {
  if (waiting != nullptr || extras_ != nullptr) {
    extras().waiting = std::move(waiting);
    drop_empty_extras();
  }
}

hub::ReplyTo WebSocketSession::reply_to(std::uint32_t item) const {
  return {.connection = connection_.handle().packed(),
          .ticket = 0,
          .item = item,
          .reactor = connection_.context().reactor};
}

std::size_t WebSocketSession::on_input(MutableBytes input) {
  has_heard_ = 1;
  MutableBytes rest = input;
  const websocket::MessageRules rules = message_rules();
  Context& here = context();
  while (!is_closing_ && !is_paused_ && !connection_.is_congested()) {
    if (has_deflate() && here.deflation.has_inflated_enough(here.now)) {
      connection_.yield_input();
      break;
    }
    const AssemblerEvent event = assembler_.next(rest, rules);
    if (event.kind == AssemblerEvent::Kind::kNone) {
      break;
    }
    handle(here, event);
  }
  // Whatever a peer says after a close is thrown away.
  return is_closing_ ? input.size() : input.size() - rest.size();
}

void WebSocketSession::handle(Context& here, const AssemblerEvent& event) {
  switch (event.kind) {
    case AssemblerEvent::Kind::kNone:
      return;
    case AssemblerEvent::Kind::kText:
    case AssemblerEvent::Kind::kBinary:
      take_message(here, event);
      return;
    case AssemblerEvent::Kind::kPing:
      answer_ping(as_view(event.payload));
      return;
    case AssemblerEvent::Kind::kPong:
      admit_control_frame();
      return;
    case AssemblerEvent::Kind::kClose:
      here.metrics.closed(static_cast<int>(event.close_code));
      is_closing_ = 1;
      send_close(websocket::encode_close_payload(event.close_code, {}));
      // We are the one to end TCP (RFC 6455 §7.1.1), but half of it first: with input unread, what
      // we said would be lost in a reset.
      connection_.close_after_flush(Linger::kForPeer);
      return;
    case AssemblerEvent::Kind::kError:
      fail(event.error);
      return;
  }
}

void WebSocketSession::take_message(Context& here, const AssemblerEvent& event) {
  MutableBytes message = event.payload;
  if (event.is_compressed) {
    if (const FrameError error = inflate(event, message); error != FrameError::kNone) {
      fail(error);
      return;
    }
  }
  here.metrics.add(metrics::Metric::kReceivedMessages);
  on_message(event.kind == AssemblerEvent::Kind::kText ? Opcode::kText : Opcode::kBinary,
             as_view(message));
}

FrameError WebSocketSession::inflate(const AssemblerEvent& event, MutableBytes& message) {
  websocket::Inflater* own = nullptr;
  if (client_context_takeover_ != 0) {
    std::unique_ptr<websocket::Inflater>& inflater = extras().inflater;
    if (inflater == nullptr) {
      inflater = std::make_unique<websocket::Inflater>(
          websocket::Inflater::Options{.window_bits = client_window_bits_, .keeps_context = true});
    }
    own = inflater.get();
  }
  const FrameError error = context().deflation.inflate(own, as_view(event.payload),
                                                       config().limits.message_bytes, message);
  const bool is_bad_text = error == FrameError::kNone &&
                           event.kind == AssemblerEvent::Kind::kText &&
                           !is_valid_utf8(as_view(message));
  return is_bad_text ? FrameError::kTextNotUtf8 : error;
}

void WebSocketSession::fail(FrameError error) {
  if (const auto limit = limit_of(error)) {
    context().metrics.limit_hit(*limit);
  }
  close_with(websocket::close_code_for(error), websocket::describe(error));
}

bool WebSocketSession::admit_control_frame() {
  if (control_frames_.take(context().now, kControlFrames)) {
    return true;
  }
  context().metrics.limit_hit(metrics::Limit::kControlFrames);
  close_with(CloseCode::kPolicyViolation, "too many control frames");
  return false;
}

void WebSocketSession::answer_ping(ByteView payload) {
  if (connection_.is_blocked()) {
    // It does not read its pongs: one is enough, that of the newest ping (RFC 6455 §5.5.3). These
    // cost nothing but a copy, so they do not count against its control frames.
    extras().late_pong.emplace(payload);
    return;
  }
  if (admit_control_frame()) {
    send_frame(Opcode::kPong, payload);
  }
}

bool WebSocketSession::on_input_after_close(MutableBytes input) {
  while (!assembler_.is_finished()) {
    const AssemblerEvent event = assembler_.next(input, message_rules());
    if (event.kind == AssemblerEvent::Kind::kClose) {
      return true;
    }
    if (event.kind == AssemblerEvent::Kind::kNone) {
      return false;
    }
  }
  return false;
}

websocket::MessageRules WebSocketSession::message_rules() const {
  const config::Limits& limits = config().limits;
  return {.allow_rsv1 = has_deflate(),
          .message_bytes_max = limits.message_bytes,
          .frames_per_message_max = static_cast<std::uint32_t>(limits.frames_per_message)};
}

void WebSocketSession::on_drained() {
  if (is_leaving_) {
    close_with(CloseCode::kGoingAway);
    return;
  }
  if (extras_ != nullptr && extras_->late_pong && !is_closing_) {
    const std::string payload = std::move(*extras_->late_pong);
    extras_->late_pong.reset();
    drop_empty_extras();
    send_frame(Opcode::kPong, payload);
  }
}

void WebSocketSession::on_input_end() {
  // Without a close frame: to the peer's side that is 1006 (§7.1.5), nothing is left to say.
  if (!is_closing_) {
    context().metrics.closed(static_cast<int>(CloseCode::kAbnormal));
  }
  is_closing_ = 1;
  connection_.close_after_flush(Linger::kForPeer);
}

void WebSocketSession::on_deadline(TimePoint now) {
  if (is_closing_) {
    return;
  }
  if (is_leaving_) {
    close_with(CloseCode::kGoingAway);
    return;
  }
  if (end_if_overdue()) {
    return;
  }
  const HeartbeatIntervals intervals{config().heartbeat.ping_interval,
                                     config().heartbeat.pong_timeout};
  const TimePoint last_sent =
      std::max(connection_.last_sent(), context().hub.last_delivery(connection_.handle().slot));
  const TimePoint last_heard = connection_.last_heard();
  const TimePoint last_ping = last_ping_.at(now);
  HeartbeatDecision decision = look_at_heartbeat(
      now, {.last_sent = last_sent, .last_heard = last_heard, .last_ping = last_ping}, intervals);
  // The first look comes early; its ping moves a quiet connection away from those that came with
  // it. One that has spoken is left to its traffic. (Not told by the times: they are milliseconds,
  // and it may have spoken within its first.)
  if (!is_examined_ && !has_heard_ && decision.action == HeartbeatAction::kWait) {
    const TimePoint lost_at = last_heard + intervals.ping_interval + intervals.pong_timeout;
    const TimePoint next = heartbeat_moment(now + intervals.ping_interval, intervals.ping_interval);
    decision = {HeartbeatAction::kPing, std::min(lost_at, next)};
  }
  is_examined_ = 1;
  if (last_ping <= last_heard) {
    last_ping_ = ShortTime::before(last_heard);  // Means the same, and does not get too old.
  }
  switch (decision.action) {
    case HeartbeatAction::kWait:
      break;
    case HeartbeatAction::kPing:
      context().metrics.add(metrics::Metric::kPingsSent);
      last_ping_ = ShortTime::before(now);
      send_frame(Opcode::kPing, {});
      break;
    case HeartbeatAction::kLost:
      close_with(CloseCode::kHeartbeatLost);
      return;
  }
  connection_.set_deadline(std::min(decision.next, identity_end()));
}

// --- who the client is

void WebSocketSession::use_identity(auth::IdentityRef identity) {
  if (identity == nullptr) {
    return;  // As it was: anonymous.
  }
  extras().identity = std::move(identity);
  extras_->unknown_since = {};
  connection_.set_deadline(std::min(connection_.deadline(), identity_end()));
}

TimePoint WebSocketSession::unknown_since() const {
  return extras_ == nullptr ? TimePoint{} : extras_->unknown_since;
}

/// A deadline that was set for an earlier token stays: looking too early costs nothing.
TimePoint WebSocketSession::identity_end() const {
  return identity_deadline(context(), identity(), unknown_since());
}

bool WebSocketSession::end_if_overdue() {
  if (!is_identity_over(context(), identity(), unknown_since())) {
    return false;
  }
  if (identity() != nullptr) {
    close_with(CloseCode::kTokenExpired);
    return true;
  }
  context().metrics.limit_hit(metrics::Limit::kAuthTimeout);
  close_with(CloseCode::kAuthenticationRequired);
  return true;
}

void WebSocketSession::on_rules_changed() {
  if (is_closing_) {
    return;
  }
  give_up_what_is_forbidden();
  connection_.set_deadline(std::min(connection_.deadline(), identity_end()));
}

void WebSocketSession::give_up_what_is_forbidden() {
  const std::uint32_t slot = connection_.handle().slot;
  std::vector<std::string> forbidden;
  context().hub.for_each_topic_of(slot, [&](ByteView topic) {
    if (context().rules->subscribe_verdict(identity(), topic) != auth::Verdict::kAllowed) {
      forbidden.emplace_back(topic);
    }
  });
  for (const std::string& topic : forbidden) {
    // It may have ended by then: to unsubscribe writes.
    if (!is_closing_ && context().hub.unsubscribe(slot, topic)) {
      on_withdrawn(topic);
    }
  }
}

void WebSocketSession::end(EndReason reason) {
  switch (reason) {
    case EndReason::kGoingAway:
      // What was published before is still its to get, if it reads.
      is_leaving_ = 1;
      context().hub.overtake_flush(connection_.handle().slot);
      connection_.set_deadline(context().now + kLeaveTime);
      connection_.want_drained();
      return;
    case EndReason::kTerminated:
      return close_with(CloseCode::kTerminated);
    case EndReason::kTooSlow:
      return close_with(CloseCode::kTooSlow);
    case EndReason::kInternalError:
      return close_with(CloseCode::kInternalError);
    case EndReason::kOverload:
      return close_with(CloseCode::kTryAgainLater);
  }
}

void WebSocketSession::on_reply(const hub::ReplyTo& /*to*/, hub::Reply&& /*reply*/) {
}

void WebSocketSession::send_text(ByteView payload) {
  send_frame(Opcode::kText, payload);
}

void WebSocketSession::send_frame(Opcode opcode, ByteView payload) {
  if (has_deflate() && server_context_takeover_ == 0 && !is_control(opcode)) {
    const WindowClass window = window_class(server_window_bits_);
    if (const auto deflated = context().deflation.deflate(window, {&payload, 1})) {
      // A copy, as a write may flush what others deflate.
      const std::string kept(*deflated);
      const auto header = websocket::encode_server_header(opcode, kept.size(), true);
      connection_.write(header.view(), kept);
      return;
    }
  }
  const auto header = websocket::encode_server_header(opcode, payload.size());
  connection_.write(header.view(), payload);
}

void WebSocketSession::send_close(const std::string& payload) {
  const auto header = websocket::encode_server_header(Opcode::kClose, payload.size());
  connection_.write_last(header.view(), payload);
}

void WebSocketSession::on_lost() {
  if (!is_closing_) {
    context().metrics.closed(static_cast<int>(CloseCode::kAbnormal));
    is_closing_ = 1;
  }
}

void WebSocketSession::close_with(CloseCode code) {
  close_with(code, websocket::reason_phrase(code));
}

void WebSocketSession::close_with(CloseCode code, ByteView reason) {
  if (is_closing_) {
    return;
  }
  context().metrics.closed(static_cast<int>(code));
  is_closing_ = 1;
  send_close(websocket::encode_close_payload(code, reason));
  connection_.close_after_flush(Linger::kForPeer);
}

void WebSocketSession::pause() {
  is_paused_ = 1;
  connection_.pause_input();
}

void WebSocketSession::resume() {
  is_paused_ = 0;
  connection_.resume_input();
}

}  // namespace wspush::door
