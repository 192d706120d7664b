#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "wspush/auth/identity.hpp"
#include "wspush/base/bytes.hpp"
#include "wspush/base/clock.hpp"
#include "wspush/base/handle.hpp"
#include "wspush/config/config.hpp"
#include "wspush/hub/subscriber.hpp"
#include "wspush/net/byte_stream.hpp"

// A door is a way in; a session is one client's state behind it. The connection below it moves the
// bytes and knows nothing of what they mean. Thread: all of it belongs to one reactor.
namespace wspush::door {

enum class DoorKind : std::uint8_t { kHttp, kWspushV1, kRaw, kEcho, kSse, kPoll };

/// The door's name in metrics, views and the log.
std::string_view name_of(DoorKind kind);

/// Why the server ends a session. Each door says it in its own words.
enum class EndReason : std::uint8_t {
  kGoingAway,      ///< drain, shutdown
  kTerminated,     ///< through the API
  kTooSlow,        ///< limits.write_timeout, limits.queued_bytes, `when_slow: disconnect`
  kInternalError,  ///< no memory for what it asked
  kOverload,       ///< the process is short of memory
};

/// How a connection is closed.
enum class Linger : std::uint8_t { kNo, kForPeer };

class Session;
struct Context;

/// What a session may ask of the connection that it sits on.
class Connection {
 public:
  virtual ~Connection() = default;

  virtual Handle handle() const = 0;
  /// What its reactor offers to sessions; outlives it.
  virtual Context& context() const = 0;
  /// The member that the fan-out sends to.
  virtual hub::Member member() const = 0;
  /// The client's IP address without a port; empty for a unix socket.
  virtual std::string peer_address() const = 0;
  virtual bool peer_is_loopback() const = 0;
  virtual bool is_public() const = 0;
  /// The configuration of the time when it came: its `limits` hold for the connection's whole life.
  virtual const config::Config& config() const = 0;
  /// Real time at which it was accepted.
  virtual WallTime since() const = 0;

  /// Queues `head` and `body` (copied); they leave at the end of the turn, after what is half out.
  /// Past limits.queued_bytes the session is ended with kTooSlow; one larger reply may wait where
  /// at most half of that did before.
  virtual void write(ByteView head, ByteView body) = 0;
  /// The session's last words: as `write`, whatever is queued already.
  virtual void write_last(ByteView head, ByteView body) = 0;
  /// What is queued and has not been taken by the socket yet. Bytes.
  virtual std::size_t queued_bytes() const = 0;
  /// True: the session should stop taking input, its replies are not being read. Input goes on by
  /// itself when they are.
  virtual bool is_congested() = 0;
  /// True while the socket takes nothing.
  virtual bool is_blocked() const = 0;

  /// No input is handed over until `resume_input`; what is not consumed is kept.
  virtual void pause_input() = 0;
  virtual void resume_input() = 0;
  /// What is not consumed comes again in a later turn, after what the others have sent.
  virtual void yield_input() = 0;

  /// Sends what is queued and closes, within five seconds at most. With kForPeer it half-closes
  /// first and waits until the peer has read what it was told. The session gets no more input;
  /// frames that wait in topic logs are not sent any more.
  virtual void close_after_flush(Linger linger) = 0;
  /// Calls `Session::on_drained` when everything is written, logs included; in this turn if it can.
  virtual void want_drained() = 0;
  /// Ends it at the end of the turn, whatever is queued.
  virtual void close_now() = 0;

  /// True: what it subscribes to from now on is not written. Whenever there are frames the session
  /// is asked to take them (`Session::on_frames`), and nothing is kept for it meanwhile. To be set
  /// and taken back while nothing is subscribed.
  virtual void hold_frames(bool is_held) = 0;

  /// `next` takes over as soon as the session's callback returns; the old one is destroyed.
  virtual void replace_session(std::unique_ptr<Session> next) = 0;

  /// From now on all bytes go through `layer`, also those that are queued; it sits on what carried
  /// them so far. Before anything is subscribed. May throw bad_alloc; nothing has changed then.
  virtual void add_layer(std::unique_ptr<net::StreamLayer> layer) = 0;

  /// When bytes last came; when they last went (fan-out included).
  virtual TimePoint last_heard() const = 0;
  virtual TimePoint last_sent() const = 0;
  /// Calls `Session::on_deadline` at `deadline` or soon after; replaces an earlier one. One more
  /// than 24 days ahead comes then: look at the time, and set it again.
  virtual void set_deadline(TimePoint deadline) = 0;
  /// The one that is set; TimePoint::max() if none is.
  virtual TimePoint deadline() const = 0;
};

/// One client's state behind a door. No callback may destroy it: the connection does.
class Session {
 public:
  virtual ~Session() = default;

  virtual DoorKind kind() const = 0;

  /// Bytes from the client; may be changed in place. Returns how many were used up: the rest comes
  /// again, with more behind it. Fewer than all means: not now (paused, congested), or more needed.
  virtual std::size_t on_input(MutableBytes input) = 0;
  /// The client sends nothing more (FIN).
  virtual void on_input_end() = 0;
  virtual void on_deadline(TimePoint now) = 0;
  /// Input after `close_after_flush`. True: the peer has closed too, nothing is left to wait for.
  virtual bool on_input_after_close(MutableBytes /*input*/) { return false; }
  /// The socket has taken everything that was queued.
  virtual void on_drained() {}

  virtual void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) = 0;
  /// False: the session is ending because of it.
  virtual bool on_gap(const hub::Gap& /*gap*/) { return true; }
  virtual void on_withdrawn(ByteView /*topic*/) {}
  /// Where frames are held: there may be some, `hub::Hub::gather` gives them.
  virtual void on_frames() {}

  /// Who it is; null: anonymous, or nobody was asked.
  virtual const auth::Identity* identity() const { return nullptr; }
  /// The same, to be kept. Null where its subscriptions make no members.
  virtual auth::IdentityRef identity_ref() const { return nullptr; }
  /// The rules or `auth.required` have changed: it gives up what it may no longer have.
  virtual void on_rules_changed() {}

  /// The connection broke; nothing can be said any more. The session is destroyed with this turn.
  virtual void on_lost() {}

  /// Says why in its own words and closes after the flush.
  virtual void end(EndReason reason) = 0;
};

}  // namespace wspush::door
