#pragma once

#include <cstdint>
#include <string>

#include "wspush/base/bytes.hpp"

#include "http/request_head.hpp"
#include "http/request_target.hpp"
#include "http/response.hpp"

// The seam between the server's HTTP session, which owns the connection, and those who answer
// requests: API endpoints, handshakes of the doors.
namespace wspush::http {

/// One request and its one answer; implemented by the HTTP session.
/// Thread: the reactor that owns the connection.
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// Lifetime: valid until `RequestHandler::on_head` returned; copy what you keep.
  virtual const RequestHead& head() const = 0;
  /// Lifetime: as long as the exchange.
  virtual const RequestTarget& target() const = 0;

  /// The client's IP address without a port, behind trusted proxies the one they name.
  virtual std::string peer_address() const = 0;
  virtual bool peer_is_loopback() const = 0;

  /// Names this exchange in answers that come later, from another thread's mailbox, when it may be
  /// gone: never used twice within the life of a reactor that could still mean the old one.
  virtual std::uint32_t ticket() const = 0;

  /// Sends the answer. Once; from any callback, or later. Before the body has ended it also says
  /// that the rest is not wanted. The handler is not destroyed inside of this call.
  virtual void respond(Response response) = 0;

  /// The handler has taken more of the body than it can work off: no more pieces come, after the
  /// one at hand, until `resume_body`; what the client sends waits in its socket. Both may be
  /// called from any callback, or later. Where nothing is done the body just goes on.
  virtual void pause_body() {}
  virtual void resume_body() {}
};

/// One object per request, made by the router from the head; destroyed with the exchange, also when
/// the client goes away before its answer.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  /// First, once. May respond at once (a refusal): the body is then discarded, up to a bound, or
  /// the connection closed.
  virtual void on_head(Exchange& exchange) = 0;
  /// A piece of the body as it arrives, never empty; no more once the handler has responded.
  /// Lifetime: `piece` is borrowed until the function returns.
  virtual void on_body(Exchange& exchange, ByteView piece) = 0;
  /// The body is complete (at once where there is none). Not called after an early answer.
  virtual void on_body_end(Exchange& exchange) = 0;
  /// The server is about to end, while the body still comes or the answer is being waited for; or
  /// the client has half-closed and waits for its answer, unless it is gone altogether. Who takes a
  /// body that may have no end, or waits for something that may not come, answers for what it has;
  /// any other goes on. May be called more than once.
  virtual void on_ending(Exchange& /*exchange*/) {}
  /// The deadline that was set on the connection since `on_body_end` has come, and no answer has.
  virtual void on_deadline(Exchange& /*exchange*/) {}
};

}  // namespace wspush::http
