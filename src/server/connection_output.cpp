// What a connection sends: the way of its session's bytes, and those of topic logs, to the socket.
#include <algorithm>
#include <sys/socket.h>

#include "net/tcp_stream.hpp"
#include "server/reactor.hpp"
#include "server/socket_connection.hpp"

namespace wspush::server {
namespace {

/// Written to one connection in one turn, so that one that reads fast after a long pause does not
/// hold up the others.
constexpr std::size_t kFlushBytesMax = 256 * 1024;
constexpr std::size_t kQueuePiecesMax = 64;

}  // namespace

/// While it lives, what is written only queues. Ends also where memory runs out.
class SocketConnection::Flushing {
 public:
  explicit Flushing(SocketConnection& connection)
      : connection_(connection), before_(connection.is_flushing_) {
    connection_.is_flushing_ = true;
  }
  ~Flushing() { connection_.is_flushing_ = before_; }
  Flushing(const Flushing&) = delete;
  Flushing& operator=(const Flushing&) = delete;

 private:
  SocketConnection& connection_;
  bool before_;
};

void SocketConnection::write(ByteView head, ByteView body) {
  if (state_ != State::kOpen || write_direct(head, body)) {
    return;
  }
  const std::size_t bytes = head.size() + body.size();
  // What a flush itself says (a gap, a pong) is small, and it is about to write. Logs have to wait:
  // this may be the `subscribed` that goes before the messages.
  if (!is_flushing_ && would_overflow(bytes)) {
    flush(Reach::kQueue);
    if (state_ == State::kOpen && would_overflow(bytes)) {
      reactor().metrics().limit_hit(metrics::Limit::kQueuedBytes);
      session_->end(door::EndReason::kTooSlow);
      return;
    }
  }
  write_last(head, body);
}

/// What is said to the input at hand, while nothing is to go before it: taken by the reactor's
/// DirectOutput, or lost as the connection broke. False: to the queue with it.
bool SocketConnection::write_direct(ByteView head, ByteView body) {
  DirectOutput& direct = reactor().direct_output();
  if (!direct.is_open_for(this)) {
    return false;
  }
  const std::size_t after = direct.bytes() + head.size() + body.size();
  // What the socket does not take will be queued: the same bound as there.
  const bool is_too_much = !direct.is_empty() && (after > terms_.config->limits.queued_bytes / 2 ||
                                                  !direct.has_room(head, body));
  if (is_too_much) {
    send_direct();
  }
  if (state_ == State::kDead) {
    return true;
  }
  const bool is_next = out_.is_empty() && !is_blocked_ && !is_flushing_ && !is_streamed() &&
                       cut() == nullptr && direct.has_room(head, body);
  if (!is_next) {
    send_direct();
    return false;
  }
  if (direct.is_empty()) {
    reactor().want_place(slot_);
  }
  direct.add(head, body);
  return true;
}

/// The input has been used, or what was said to it must not wait.
void SocketConnection::send_direct() {
  DirectOutput& direct = reactor().direct_output();
  if (!direct.is_open_for(this) || direct.is_empty()) {
    return;
  }
  if (state_ == State::kDead) {
    direct.clear();
    return;
  }
  if (!reactor().may_answer_now()) {
    queue_direct(0);
    reactor().want_flush(*this);
    return;
  }
  const net::IoResult result = net::write_some(fd_.get(), direct.pieces());
  if (result.status == net::IoStatus::kError) {
    direct.clear();
    die();
    return;
  }
  if (result.bytes > 0) {
    last_sent_ = ShortTime::before(now());
  }
  const bool is_all = result.bytes == direct.bytes();
  if (is_all) {
    direct.clear();
  } else {
    queue_direct(result.bytes);
    become_blocked(result.bytes > 0);
  }
  if (is_all && state_ == State::kOpen && reactor().give_place_back(slot_)) {
    const Flushing flushing(*this);  // What it says now is queued.
    session_->on_drained();
  }
}

/// What is left of it behind its first `taken` bytes.
void SocketConnection::queue_direct(std::size_t taken) {
  DirectOutput& direct = reactor().direct_output();
  for (const iovec& piece : direct.pieces()) {
    const std::size_t skipped = std::min(taken, piece.iov_len);
    taken -= skipped;
    out_.append(ByteView(static_cast<const char*>(piece.iov_base), piece.iov_len).substr(skipped));
  }
  direct.clear();
}

/// Input is read while at most half of the limit waits, and then the first reply to it is taken
/// however large it is: a peer that reads must not be told that it is too slow for having sent two
/// messages, each of which would have been good alone.
bool SocketConnection::would_overflow(std::size_t bytes) const {
  const std::uint64_t limit = terms_.config->limits.queued_bytes;
  return out_.bytes() > limit / 2 && out_.bytes() + bytes > limit;
}

void SocketConnection::write_last(ByteView head, ByteView body) {
  if (state_ != State::kOpen) {
    return;
  }
  if (reactor().direct_output().is_open_for(this)) {
    send_direct();
    if (state_ != State::kOpen) {
      return;
    }
  }
  out_.append(head);
  out_.append(body);
  reactor().want_flush(*this);
}

bool SocketConnection::is_congested() {
  const std::uint64_t half = terms_.config->limits.queued_bytes / 2;
  if (reactor().direct_output().is_open_for(this) && reactor().direct_output().bytes() > half) {
    send_direct();
  }
  if (out_.bytes() > half) {
    flush();
    is_congested_ = out_.bytes() > half;
  }
  return is_congested_;
}

void SocketConnection::keep_cut(const hub::MessageRef& message, hub::WireForm form,
                                std::size_t taken) {
  extras().cut = Cut{message, form, taken};
  become_blocked(false);
}

void SocketConnection::become_blocked(bool has_progressed) {
  if (!is_blocked_ || has_progressed) {
    is_blocked_ = true;
    if (state_ == State::kOpen) {
      timeout_from_ = ShortTime::before(now());
    }
    update_timer();
  }
  watch(watches_input_ && !has_ended_, true);
}

net::IoResult SocketConnection::send_through(std::span<const iovec> pieces) {
  const net::IoResult result = stream()->write(pieces);
  if (stream()->has_unsent()) {
    become_blocked(false);
    reactor().set_busy(slot_, true);
  }
  return result;
}

net::IoResult SocketConnection::write_pieces(std::span<const iovec> pieces) {
  return is_streamed() ? stream()->write(pieces) : net::write_some(fd_.get(), pieces);
}

/// False: the socket has not taken everything, or is broken.
bool SocketConnection::flush_stream() {
  const net::IoResult result = stream()->flush();
  if (result.status == net::IoStatus::kError) {
    die();
    return false;
  }
  if (stream()->has_unsent()) {
    become_blocked(result.status == net::IoStatus::kOk);
    return false;
  }
  return true;
}

bool SocketConnection::flush(Reach reach) {
  if (is_flushing_) {
    return false;
  }
  const Flushing flushing(*this);
  send_direct();
  return write_out(reach);
}

bool SocketConnection::write_out(Reach reach) {
  std::size_t written = 0;
  while (state_ == State::kOpen || state_ == State::kClosing) {
    if (has_unsent() && !stream()->sends_unsent_along() && !flush_stream()) {
      return false;
    }
    hub::FrameBatch& batch = reactor().frame_batch();
    batch.clear();
    const bool must_wait = is_streamed() && reactor().streamed_bytes_left() == 0;
    if (reach == Reach::kLogs && state_ == State::kOpen && is_holding_) {
      session_->on_frames();  // May queue its answer.
    } else if (reach == Reach::kLogs && state_ == State::kOpen && cut() == nullptr && !must_wait) {
      reactor().hub().gather(slot_, kFlushBytesMax, batch);  // May queue a gap, or close.
    }
    if (state_ != State::kOpen) {
      batch.clear();
    }
    const std::size_t bytes = fill_pieces();
    if (bytes == 0) {
      if (has_unsent() && !flush_stream()) {
        return false;
      }
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
    const net::IoResult result = write_pieces(reactor().pieces());
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

/// What is half out, the queue, and then what was gathered, into the reactor's pieces. Returns
/// their bytes.
std::size_t SocketConnection::fill_pieces() {
  std::vector<iovec>& pieces = reactor().pieces();
  pieces.clear();
  std::size_t bytes = 0;
  const auto add = [&](ByteView part) {
    pieces.push_back({const_cast<char*>(part.data()), part.size()});
    bytes += part.size();
  };
  if (const Cut* cut_frame = cut()) {
    std::size_t skip = cut_frame->taken;
    const hub::Frame frame(*cut_frame->message, *cut_frame->message->find_form(cut_frame->form));
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
    for (const hub::FrameBatch::Entry& entry : reactor().frame_batch().entries) {
      entry.frame.for_each_part(add);
    }
  }
  return bytes;
}

void SocketConnection::on_written(std::size_t bytes) {
  last_sent_ = ShortTime::before(now());
  if (Cut* cut_frame = cut()) {
    const hub::Frame frame(*cut_frame->message, *cut_frame->message->find_form(cut_frame->form));
    const std::size_t taken = std::min(bytes, frame.bytes() - cut_frame->taken);
    cut_frame->taken += taken;
    bytes -= taken;
    if (cut_frame->taken == frame.bytes()) {
      reactor().hub().on_cut_written(slot_, *cut_frame->message);
      extras_->cut.reset();
      drop_empty_extras();
    }
  }
  const std::size_t queued = std::min(bytes, out_.bytes());
  if (queued > 0) {
    out_.consume(queued);
  }
  if (bytes > queued) {
    if (is_streamed()) {
      reactor().use_streamed_bytes(bytes - queued);
    }
    reactor().hub().advance(slot_, reactor().frame_batch(), bytes - queued);
  }
  if (is_congested_ && out_.bytes() <= terms_.config->limits.queued_bytes / 2) {
    is_congested_ = false;
    reactor().want_input(*this);
  }
}

void SocketConnection::on_all_written() {
  is_blocked_ = false;
  watch(watches_input_, false);
  if (state_ == State::kClosing) {
    // The busy mark stays: nothing may follow what was said last.
    if (is_streamed()) {
      stream()->end_output();  // If that fails, what comes next does too.
      if (has_unsent()) {
        become_blocked(false);
        return;
      }
    }
    if (!lingers_ || has_ended_) {  // With nothing left to read a close resets nothing.
      die();
      return;
    }
    ::shutdown(fd_.get(), SHUT_WR);
    state_ = State::kLingering;
    watch(true, false);
    return;
  }
  reactor().set_busy(slot_, false);
  session_->on_drained();
}

}  // namespace wspush::server
