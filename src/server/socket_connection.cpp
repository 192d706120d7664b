#include "server/socket_connection.hpp"

#include <algorithm>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/logging.hpp"
#include "net/socket_stream.hpp"
#include "net/tcp_stream.hpp"
#include "server/reactor.hpp"

namespace wspush::server {
namespace {

/// From the decision to close to the close: what is queued goes out, the peer reads our close
/// frame, its input is thrown away meanwhile (a close with unread input would reset it).
constexpr auto kCloseTime = std::chrono::seconds(5);

}  // namespace

/// While it lives, what the session says goes to the reactor's DirectOutput where nothing is to go
/// before it. Closed also when memory runs out.
class SocketConnection::SpeakingDirectly {
 public:
  SpeakingDirectly(SocketConnection& connection, ByteView input)
      : output_(connection.reactor().direct_output()) {
    if (!connection.reactor().is_busy(connection.slot_)) {
      output_.open(&connection, input);
    }
  }
  ~SpeakingDirectly() { output_.close(); }
  SpeakingDirectly(const SpeakingDirectly&) = delete;
  SpeakingDirectly& operator=(const SpeakingDirectly&) = delete;

 private:
  DirectOutput& output_;
};

SocketConnection::SocketConnection(ConnectionTerms& terms, Options options)
    : terms_(terms),
      peer_(options.peer),
      last_heard_(ShortTime::before(now())),
      last_sent_(last_heard_),
      fd_(std::move(options.fd)),
      since_seconds_(static_cast<std::uint32_t>(options.since.time_since_epoch().count() / 1000)),
      is_unix_(options.is_unix),
      is_local_(options.is_unix || options.peer.is_loopback()),
      is_public_(options.is_public),
      is_counted_(options.is_counted),
      since_ms_(static_cast<std::uint16_t>(options.since.time_since_epoch().count() % 1000) &
                0x3FFU) {
  if (options.stream != nullptr) {
    extras().stream = std::move(options.stream);
  }
  if (options.has_proxy_header) {
    extras().proxy_header = std::make_unique<net::ProxyHeaderParser>();
  }
  ++terms_.connections;
}

SocketConnection::~SocketConnection() {
  --terms_.connections;
  if (slot_ != kNoSlot) {
    reactor().timers().cancel(slot_);
  }
}

void SocketConnection::set_session(std::unique_ptr<door::Session> session) {
  session_ = std::move(session);
  update_timer();
}

Handle SocketConnection::handle() const {
  return reactor().handle_of(slot_);
}

door::Context& SocketConnection::context() const {
  return reactor().context();
}

TimePoint SocketConnection::now() const {
  return reactor().context().now;
}

TimePoint SocketConnection::last_heard() const {
  return last_heard_.at(now());
}

TimePoint SocketConnection::last_sent() const {
  return last_sent_.at(now());
}

/// May throw bad_alloc.
SocketConnection::Extras& SocketConnection::extras() {
  if (extras_ == nullptr) {
    extras_ = std::make_unique<Extras>();
  }
  return *extras_;
}

void SocketConnection::drop_empty_extras() {
  if (extras_ != nullptr && extras_->stream == nullptr && extras_->next_session == nullptr &&
      extras_->kept_input == nullptr && extras_->proxy_header == nullptr && !extras_->cut &&
      !extras_->proxy) {
    extras_.reset();
  }
}

// --- input

bool SocketConnection::may_take_input() const {
  return state_ == State::kOpen && !is_paused_ && !is_congested_ && !is_yielding_;
}

void SocketConnection::on_events(std::uint32_t events) {
  if (state_ == State::kDead) {
    return;
  }
  if ((events & EPOLLOUT) != 0) {
    is_blocked_ = false;
    reactor().want_flush(*this);
  }
  if ((events & EPOLLIN) != 0) {
    if (state_ == State::kLingering || state_ == State::kClosing || may_take_input()) {
      on_readable();
    } else {
      watch(false, watches_output_);
    }
  } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    die();
  }
}

/// What follows it stays in the socket, and the loop tells of that again.
void SocketConnection::take_proxy_header() {
  switch (net::read_proxy_header(fd_.get(), *extras_->proxy_header)) {
    case net::ProxyRead::kNeedMore:
      return;
    case net::ProxyRead::kComplete: {
      const net::IpAddress source = extras_->proxy_header->source();
      extras_->proxy_header.reset();
      drop_empty_extras();
      reactor().on_proxy_header(*this, source);
      return;
    }
    case net::ProxyRead::kMalformed:
      reactor().on_bad_proxy_header(peer_, extras_->proxy_header->fault());
      die();
      return;
    case net::ProxyRead::kEnded:
      die();
      return;
  }
}

void SocketConnection::on_readable() {
  if (extras_ != nullptr && extras_->proxy_header != nullptr && state_ == State::kOpen) {
    take_proxy_header();
    return;
  }
  const MutableBytes buffer = reactor().receive_buffer();
  const net::IoResult result = read(buffer);
  switch (result.status) {
    case net::IoStatus::kWouldBlock:
      return;
    case net::IoStatus::kError:
      die();
      return;
    case net::IoStatus::kEnd:
      on_end();
      return;
    case net::IoStatus::kOk:
      break;
  }
  if (state_ != State::kOpen) {
    if (session_->on_input_after_close(buffer.first(result.bytes)) && state_ == State::kLingering) {
      die();
    }
    return;
  }
  last_heard_ = ShortTime::before(now());
  reactor().metrics().add(metrics::Metric::kReceivedBytes, result.bytes);
  take_input(buffer.first(result.bytes));
}

/// The peer has sent all that it will, and may still read.
void SocketConnection::on_end() {
  if (state_ == State::kLingering) {
    die();
    return;
  }
  has_ended_ = true;
  if (state_ == State::kOpen) {
    session_->on_input_end();
  }
  // The loop would tell of the end again and again, unless this turn's flush closes.
  if (state_ == State::kOpen || is_blocked_) {
    watch(false, watches_output_);
  }
}

net::IoResult SocketConnection::read(MutableBytes into) {
  if (!is_streamed()) {
    return net::read_some(fd_.get(), into);
  }
  const net::IoResult result = stream()->read(into);
  if (stream()->has_unsent()) {
    reactor().want_flush(*this);
  }
  if (stream()->has_unread()) {
    reactor().want_input(*this);
  }
  return result;
}

void SocketConnection::take_input(MutableBytes input) {
  if (has_kept_input()) {
    extras_->kept_input->append(as_view(input));
    continue_input();
    return;
  }
  const SpeakingDirectly direct(*this, as_view(input));
  const std::size_t used = run_session(input);
  send_direct();
  if (used < input.size() && state_ == State::kOpen) {
    extras().kept_input = std::make_unique<std::string>(as_view(input.subspan(used)));
  }
}

void SocketConnection::continue_input() {
  is_yielding_ = false;
  if (state_ != State::kOpen) {
    if (state_ != State::kDead && is_streamed() && stream()->has_unread()) {
      on_readable();
    }
    return;
  }
  change_session();
  if (has_kept_input() && may_take_input()) {
    // Out of the member first: the session may end the connection.
    std::unique_ptr<std::string> kept = std::move(extras_->kept_input);
    const std::size_t used = run_session(*kept);
    if (used < kept->size() && state_ == State::kOpen) {
      kept->erase(0, used);
      extras().kept_input = std::move(kept);
    }
    drop_empty_extras();
  }
  if (may_take_input()) {
    watch(!has_ended_, watches_output_);
    if (is_streamed() && stream()->has_unread()) {
      on_readable();
    }
  }
}

std::size_t SocketConnection::run_session(MutableBytes input) {
  std::size_t used = 0;
  while (used < input.size() && may_take_input()) {
    const std::size_t taken = session_->on_input(input.subspan(used));
    used += taken;
    if (!change_session() && taken == 0) {
      break;
    }
  }
  return used;
}

bool SocketConnection::change_session() {
  if (extras_ == nullptr || extras_->next_session == nullptr) {
    return false;
  }
  std::unique_ptr<door::Session> next = std::move(extras_->next_session);
  extras_->proxy.reset();  // No requests come any more.
  drop_empty_extras();
  reactor().count_door_change(*this, session_->kind(), next->kind());
  session_ = std::move(next);
  return true;
}

void SocketConnection::replace_session(std::unique_ptr<door::Session> next) {
  extras().next_session = std::move(next);
  reactor().want_input(*this);  // The switch, if no input brought us here.
}

void SocketConnection::add_layer(std::unique_ptr<net::StreamLayer> layer) {
  std::unique_ptr<net::ByteStream>& carried = extras().stream;
  std::unique_ptr<net::ByteStream> socket;
  if (carried == nullptr) {
    socket = std::make_unique<net::SocketStream>(fd_.get());
  }
  send_direct();
  layer->sit_on(carried == nullptr ? std::move(socket) : std::move(carried));
  carried = std::move(layer);
}

void SocketConnection::resume_input() {
  if (!is_paused_) {
    return;  // Nothing waits for it: a request that was answered at once, mostly.
  }
  is_paused_ = false;
  reactor().want_input(*this);
}

void SocketConnection::yield_input() {
  is_yielding_ = true;
  reactor().want_input(*this);
}

// --- the end

void SocketConnection::want_drained() {
  reactor().want_flush(*this);
}

void SocketConnection::close_after_flush(door::Linger linger) {
  if (state_ != State::kOpen) {
    return;
  }
  state_ = State::kClosing;
  lingers_ = linger == door::Linger::kForPeer;
  timeout_from_ = ShortTime::before(now());
  reactor().leave_topics(*this);
  reactor().want_flush(*this);
  if (extras_ != nullptr) {
    extras_->kept_input.reset();
  }
  if (!has_ended_) {
    watch(true, watches_output_);  // Else it is not watched any more, or `on_end` sees to that.
  }
  update_timer();
}

void SocketConnection::close_now() {
  die();
}

void SocketConnection::die() {
  if (state_ != State::kDead) {
    session_->on_lost();
    state_ = State::kDead;
    reactor().want_destruction(*this);
  }
}

// --- time

void SocketConnection::set_deadline(TimePoint deadline) {
  has_deadline_ = deadline != TimePoint::max();
  if (has_deadline_) {
    session_deadline_ = ShortTime::after(std::min(deadline, now() + ShortTime::kReach));
  }
  update_timer();
}

TimePoint SocketConnection::deadline() const {
  return has_deadline_ ? session_deadline_.at(now()) : TimePoint::max();
}

void SocketConnection::update_timer() {
  if (slot_ == kNoSlot) {
    return;  // Not started yet.
  }
  TimePoint next = TimePoint::max();
  if (state_ != State::kOpen) {
    next = timeout_from_.at(now()) + kCloseTime;
  } else {
    if (has_deadline_) {
      next = session_deadline_.at(now());
    }
    if (is_blocked_) {
      next = std::min(next, timeout_from_.at(now()) + terms_.config->limits.write_timeout);
    }
  }
  if (next != TimePoint::max()) {
    reactor().timers().schedule(slot_, next);
  }
}

void SocketConnection::on_timer() {
  const TimePoint here = now();
  if (state_ != State::kOpen) {
    if (here >= timeout_from_.at(here) + kCloseTime) {
      die();
      return;
    }
  } else if (is_blocked_ && here >= timeout_from_.at(here) + terms_.config->limits.write_timeout) {
    reactor().metrics().limit_hit(metrics::Limit::kWriteTimeout);
    session_->end(door::EndReason::kTooSlow);
  } else if (has_deadline_ && here >= session_deadline_.at(here)) {
    has_deadline_ = false;
    // A ping leaves at once: one call, no queue, and no flush of the connection.
    const SpeakingDirectly direct(*this, {});
    session_->on_deadline(here);
    send_direct();
  }
  if (state_ != State::kDead && !reactor().timers().is_set(slot_)) {
    update_timer();
  }
}

void SocketConnection::shift_times(Duration gap) {
  for (ShortTime* time : {&last_heard_, &last_sent_, &timeout_from_, &session_deadline_}) {
    *time = ShortTime::before(time->at(now()) + gap);
  }
}

void SocketConnection::watch(bool input, bool output) {
  if (input == watches_input_ && output == watches_output_) {
    return;
  }
  watches_input_ = input;
  watches_output_ = output;
  reactor().watch(fd_.get(), handle(),
                  (input ? std::uint32_t{EPOLLIN} : 0U) | (output ? std::uint32_t{EPOLLOUT} : 0U));
}

}  // namespace wspush::server
