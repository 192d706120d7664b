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

/// Written to one connection in one turn, so that one that reads fast after a long pause does not
/// hold up the others.
constexpr std::size_t kFlushBytesMax = 256 * 1024;
constexpr std::size_t kQueuePiecesMax = 64;

}  // namespace

SocketConnection::SocketConnection(Reactor& reactor, Options options)
    : reactor_(reactor),
      fd_(std::move(options.fd)),
      stream_(std::move(options.stream)),
      proxy_header_(options.has_proxy_header ? std::make_unique<net::ProxyHeaderParser>()
                                             : nullptr),
      last_heard_(reactor.context().now),
      last_sent_(reactor.context().now),
      proxy_(options.peer),
      peer_(options.peer),
      since_(options.since),
      config_(std::move(options.config)),
      is_unix_(options.is_unix),
      is_local_(options.is_unix || options.peer.is_loopback()),
      is_public_(options.is_public),
      is_counted_(options.is_counted) {
}

SocketConnection::~SocketConnection() {
  reactor_.timers().cancel(timer_);
}

void SocketConnection::start(Handle handle, std::unique_ptr<door::Session> session) {
  handle_ = handle;
  timer_.token = handle.slot;
  session_ = std::move(session);
  update_timer();
}

// --- output

void SocketConnection::write(ByteView head, ByteView body) {
  if (state_ != State::kOpen) {
    return;
  }
  const std::size_t bytes = head.size() + body.size();
  // What a flush itself says (a gap, a pong) is small, and it is about to write. Logs have to wait:
  // this may be the `subscribed` that goes before the messages.
  if (!is_flushing_ && would_overflow(bytes)) {
    flush(Reach::kQueue);
    if (state_ == State::kOpen && would_overflow(bytes)) {
      reactor_.metrics().limit_hit(metrics::Limit::kQueuedBytes);
      session_->end(door::EndReason::kTooSlow);
      return;
    }
  }
  write_last(head, body);
}

/// Input is read while at most half of the limit waits, and then the first reply to it is taken
/// however large it is: a peer that reads must not be told that it is too slow for having sent two
/// messages, each of which would have been good alone.
bool SocketConnection::would_overflow(std::size_t bytes) const {
  const std::uint64_t limit = config_->limits.queued_bytes;
  return out_.bytes() > limit / 2 && out_.bytes() + bytes > limit;
}

void SocketConnection::write_last(ByteView head, ByteView body) {
  if (state_ == State::kOpen) {
    out_.append(head);
    out_.append(body);
    reactor_.want_flush(*this);
  }
}

bool SocketConnection::is_congested() {
  const std::uint64_t half = config_->limits.queued_bytes / 2;
  if (out_.bytes() > half) {
    flush();
    is_congested_ = out_.bytes() > half;
  }
  return is_congested_;
}

void SocketConnection::keep_cut(const hub::MessageRef& message, hub::WireForm form,
                                std::size_t taken) {
  cut_ = std::make_unique<Cut>(Cut{message, form, taken});
  become_blocked(false);
}

void SocketConnection::become_blocked(bool has_progressed) {
  if (!is_blocked_ || has_progressed) {
    is_blocked_ = true;
    blocked_since_ = reactor_.context().now;
    update_timer();
  }
  watch(watches_input_, true);
}

net::IoResult SocketConnection::send_through(std::span<const iovec> pieces) {
  const net::IoResult result = stream_->write(pieces);
  if (stream_->has_unsent()) {
    become_blocked(false);
    reactor_.set_busy(handle_.slot, true);
  }
  return result;
}

net::IoResult SocketConnection::write_pieces(std::span<const iovec> pieces) {
  return stream_ == nullptr ? net::write_some(fd_.get(), pieces) : stream_->write(pieces);
}

/// False: the socket has not taken everything, or is broken.
bool SocketConnection::flush_stream() {
  const net::IoResult result = stream_->flush();
  if (result.status == net::IoStatus::kError) {
    die();
    return false;
  }
  if (stream_->has_unsent()) {
    become_blocked(result.status == net::IoStatus::kOk);
    return false;
  }
  return true;
}

bool SocketConnection::flush(Reach reach) {
  if (is_flushing_) {
    return false;
  }
  // Cleared also when memory runs out below.
  struct Flushing {
    SocketConnection& connection;
    explicit Flushing(SocketConnection& of) : connection(of) { connection.is_flushing_ = true; }
    ~Flushing() { connection.is_flushing_ = false; }
  };
  const Flushing flushing(*this);
  return write_out(reach);
}

bool SocketConnection::write_out(Reach reach) {
  std::size_t written = 0;
  while (state_ == State::kOpen || state_ == State::kClosing) {
    if (has_unsent() && !flush_stream()) {
      return false;
    }
    hub::FrameBatch& batch = reactor_.frame_batch();
    batch.clear();
    const bool must_wait = stream_ != nullptr && reactor_.streamed_bytes_left() == 0;
    if (reach == Reach::kLogs && state_ == State::kOpen && is_holding_) {
      session_->on_frames();  // May queue its answer.
    } else if (reach == Reach::kLogs && state_ == State::kOpen && cut_ == nullptr && !must_wait) {
      reactor_.hub().gather(handle_.slot, kFlushBytesMax, batch);  // May queue a gap, or close.
    }
    if (state_ != State::kOpen) {
      batch.clear();
    }
    std::vector<iovec>& pieces = reactor_.pieces();
    pieces.clear();
    std::size_t bytes = 0;
    const auto add = [&](ByteView part) {
      pieces.push_back({const_cast<char*>(part.data()), part.size()});
      bytes += part.size();
    };
    if (cut_ != nullptr) {
      std::size_t skip = cut_->taken;
      const hub::Frame frame(*cut_->message, *cut_->message->find_form(cut_->form));
      frame.for_each_part([&](ByteView part) {
        const std::size_t skipped = std::min(skip, part.size());
        skip -= skipped;
        if (skipped < part.size()) {
          add(part.substr(skipped));
        }
      });
    }
    bytes += out_.fill(pieces, kQueuePiecesMax);
    const bool has_whole_queue = pieces.size() < kQueuePiecesMax;
    if (has_whole_queue) {
      for (const hub::FrameBatch::Entry& entry : batch.entries) {
        entry.frame.for_each_part(add);
      }
    }
    if (bytes == 0) {
      if (reach == Reach::kQueue) {
        return false;  // The flush at the end of the turn finds out whether this was all.
      }
      if (must_wait && state_ == State::kOpen) {
        return true;
      }
      on_all_written();
      if (out_.is_empty()) {
        return false;
      }
      continue;
    }
    const net::IoResult result = write_pieces(pieces);
    if (result.status == net::IoStatus::kError) {
      die();
      return false;
    }
    if (result.status == net::IoStatus::kOk) {
      on_written(result.bytes);
      written += result.bytes;
    }
    if (result.bytes < bytes || has_unsent()) {
      become_blocked(result.bytes > 0);
      return false;
    }
    is_blocked_ = false;
    if (written >= kFlushBytesMax) {
      return true;
    }
  }
  return false;
}

void SocketConnection::on_written(std::size_t bytes) {
  last_sent_ = reactor_.context().now;
  if (cut_ != nullptr) {
    const hub::Frame frame(*cut_->message, *cut_->message->find_form(cut_->form));
    const std::size_t taken = std::min(bytes, frame.bytes() - cut_->taken);
    cut_->taken += taken;
    bytes -= taken;
    if (cut_->taken == frame.bytes()) {
      cut_.reset();
    }
  }
  const std::size_t queued = std::min(bytes, out_.bytes());
  if (queued > 0) {
    out_.consume(queued);
  }
  if (bytes > queued) {
    if (stream_ != nullptr) {
      reactor_.use_streamed_bytes(bytes - queued);
    }
    reactor_.hub().advance(handle_.slot, reactor_.frame_batch(), bytes - queued);
  }
  if (is_congested_ && out_.bytes() <= config_->limits.queued_bytes / 2) {
    is_congested_ = false;
    reactor_.want_input(*this);
  }
}

void SocketConnection::on_all_written() {
  is_blocked_ = false;
  watch(watches_input_, false);
  if (state_ == State::kClosing) {
    // The busy mark stays: nothing may follow what was said last.
    if (stream_ != nullptr) {
      stream_->end_output();  // If that fails, what comes next does too.
      if (has_unsent()) {
        become_blocked(false);
        return;
      }
    }
    if (!lingers_) {
      die();
      return;
    }
    ::shutdown(fd_.get(), SHUT_WR);
    state_ = State::kLingering;
    watch(true, false);
    return;
  }
  reactor_.set_busy(handle_.slot, false);
  session_->on_drained();
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
    reactor_.want_flush(*this);
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
  switch (net::read_proxy_header(fd_.get(), *proxy_header_)) {
    case net::ProxyRead::kNeedMore:
      return;
    case net::ProxyRead::kComplete: {
      const net::IpAddress source = proxy_header_->source();
      proxy_header_.reset();
      reactor_.on_proxy_header(*this, source);
      return;
    }
    case net::ProxyRead::kMalformed:
      reactor_.on_bad_proxy_header(peer_, proxy_header_->fault());
      die();
      return;
    case net::ProxyRead::kEnded:
      die();
      return;
  }
}

void SocketConnection::on_readable() {
  if (proxy_header_ != nullptr && state_ == State::kOpen) {
    take_proxy_header();
    return;
  }
  const MutableBytes buffer = reactor_.receive_buffer();
  const net::IoResult result = read(buffer);
  switch (result.status) {
    case net::IoStatus::kWouldBlock:
      return;
    case net::IoStatus::kError:
      die();
      return;
    case net::IoStatus::kEnd:
      if (state_ == State::kOpen) {
        watch(false, watches_output_);
        session_->on_input_end();
      } else if (state_ == State::kClosing) {
        watch(false, watches_output_);  // It may have half-closed, and reads what is being written.
      } else {
        die();
      }
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
  last_heard_ = reactor_.context().now;
  reactor_.metrics().add(metrics::Metric::kReceivedBytes, result.bytes);
  take_input(buffer.first(result.bytes));
}

net::IoResult SocketConnection::read(MutableBytes into) {
  if (stream_ == nullptr) {
    return net::read_some(fd_.get(), into);
  }
  const net::IoResult result = stream_->read(into);
  if (stream_->has_unsent()) {
    reactor_.want_flush(*this);
  }
  if (stream_->has_unread()) {
    reactor_.want_input(*this);
  }
  return result;
}

void SocketConnection::take_input(MutableBytes input) {
  if (kept_input_ != nullptr) {
    kept_input_->append(as_view(input));
    continue_input();
    return;
  }
  const std::size_t used = run_session(input);
  if (used < input.size() && state_ == State::kOpen) {
    kept_input_ = std::make_unique<std::string>(as_view(input.subspan(used)));
  }
}

void SocketConnection::continue_input() {
  is_yielding_ = false;
  if (state_ != State::kOpen) {
    if (state_ != State::kDead && stream_ != nullptr && stream_->has_unread()) {
      on_readable();
    }
    return;
  }
  change_session();
  if (kept_input_ != nullptr && may_take_input()) {
    // Out of the member first: the session may end the connection.
    std::unique_ptr<std::string> kept = std::move(kept_input_);
    const std::size_t used = run_session(*kept);
    if (used < kept->size() && state_ == State::kOpen) {
      kept->erase(0, used);
      kept_input_ = std::move(kept);
    }
  }
  if (may_take_input()) {
    watch(true, watches_output_);
    if (stream_ != nullptr && stream_->has_unread()) {
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
  if (next_session_ == nullptr) {
    return false;
  }
  reactor_.count_door_change(*this, session_->kind(), next_session_->kind());
  session_ = std::move(next_session_);
  return true;
}

void SocketConnection::replace_session(std::unique_ptr<door::Session> next) {
  next_session_ = std::move(next);
  reactor_.want_input(*this);  // The switch, if no input brought us here.
}

void SocketConnection::add_layer(std::unique_ptr<net::StreamLayer> layer) {
  if (stream_ == nullptr) {
    stream_ = std::make_unique<net::SocketStream>(fd_.get());
  }
  layer->sit_on(std::move(stream_));
  stream_ = std::move(layer);
}

void SocketConnection::resume_input() {
  is_paused_ = false;
  reactor_.want_input(*this);
}

void SocketConnection::yield_input() {
  is_yielding_ = true;
  reactor_.want_input(*this);
}

// --- the end

void SocketConnection::want_drained() {
  reactor_.want_flush(*this);
}

void SocketConnection::close_after_flush(door::Linger linger) {
  if (state_ != State::kOpen) {
    return;
  }
  state_ = State::kClosing;
  lingers_ = linger == door::Linger::kForPeer;
  closed_by_ = reactor_.context().now + kCloseTime;
  reactor_.leave_topics(*this);
  reactor_.want_flush(*this);
  kept_input_.reset();
  watch(true, watches_output_);
  update_timer();
}

void SocketConnection::close_now() {
  die();
}

void SocketConnection::die() {
  if (state_ != State::kDead) {
    session_->on_lost();
    state_ = State::kDead;
    reactor_.want_destruction(*this);
  }
}

// --- time

void SocketConnection::set_deadline(TimePoint deadline) {
  session_deadline_ = deadline;
  update_timer();
}

void SocketConnection::update_timer() {
  if (handle_ == Handle()) {
    return;  // Not started yet.
  }
  TimePoint next = state_ == State::kOpen ? session_deadline_ : closed_by_;
  if (is_blocked_ && state_ == State::kOpen) {
    next = std::min(next, blocked_since_ + config_->limits.write_timeout);
  }
  if (next != TimePoint::max()) {
    reactor_.timers().schedule(timer_, next);
  }
}

void SocketConnection::on_timer() {
  const TimePoint now = reactor_.context().now;
  if (now >= closed_by_) {
    die();
    return;
  }
  if (is_blocked_ && state_ == State::kOpen &&
      now >= blocked_since_ + config_->limits.write_timeout) {
    reactor_.metrics().limit_hit(metrics::Limit::kWriteTimeout);
    session_->end(door::EndReason::kTooSlow);
  } else if (state_ == State::kOpen && now >= session_deadline_) {
    session_deadline_ = TimePoint::max();
    session_->on_deadline(now);
  }
  if (state_ != State::kDead) {
    update_timer();
  }
}

void SocketConnection::shift_times(Duration gap) {
  last_heard_ += gap;
  last_sent_ += gap;
  blocked_since_ += gap;
  if (session_deadline_ != TimePoint::max()) {
    session_deadline_ += gap;
  }
  if (closed_by_ != TimePoint::max()) {
    closed_by_ += gap;
  }
}

void SocketConnection::watch(bool input, bool output) {
  if (input == watches_input_ && output == watches_output_) {
    return;
  }
  watches_input_ = input;
  watches_output_ = output;
  reactor_.watch(fd_.get(), handle_,
                 (input ? std::uint32_t{EPOLLIN} : 0U) | (output ? std::uint32_t{EPOLLOUT} : 0U));
}

}  // namespace wspush::server
