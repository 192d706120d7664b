#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "wspush/auth/identity.hpp"
#include "wspush/door/session.hpp"

#include "http/exchange.hpp"

namespace wspush::door {

/// A request that has subscribed its connection to topics and takes their frames for its answer.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  /// There may be frames: `hub::Hub::gather` gives them.
  virtual void on_frames() = 0;
  /// Before the next of them: some are lost. False: it takes no more of them, and is told of the
  /// loss when it asks again.
  virtual bool on_gap(const hub::Gap& gap) = 0;
  /// The right to subscribe to `topic` was withdrawn, and the subscription is gone.
  virtual void on_withdrawn(ByteView topic) = 0;
  /// As Session::on_rules_changed.
  virtual void on_rules_changed() = 0;
};

/// A request on a connection that may become something else; implemented by the HTTP session.
class UpgradeExchange : public http::Exchange {
 public:
  virtual Connection& connection() = 0;
  /// For questions to the hub: the answer finds this exchange, or nobody.
  virtual hub::ReplyTo reply_to(std::uint32_t item) const = 0;

  /// Who asks: until its answer the API sees the connection as the user's, and may end it.
  virtual void use_identity(auth::IdentityRef identity) = 0;

  /// Bytes came behind the head: a client must not speak before the 101.
  virtual bool has_early_input() const = 0;
  /// Answers 101 with `headers` and hands the connection to `session`. Instead of `respond`.
  virtual void upgrade(std::vector<std::pair<std::string, std::string>> headers,
                       std::unique_ptr<Session> session) = 0;
  /// Sends the head of an answer that goes on until the connection ends, and hands the connection
  /// to `session`, which sends the rest: in chunks to an HTTP/1.1 client. Instead of `respond`;
  /// `head.body` is not looked at.
  virtual void stream(http::Response head, std::unique_ptr<Session> session) = 0;

  /// From now on the connection counts as one of `door`, also between its requests.
  virtual void enter(DoorKind door) = 0;
  /// What the connection subscribes to from now on is for `sink`, until the answer (`respond`)
  /// ends that. Lifetime: `sink` is part of the request's handler.
  virtual void hold_frames(FrameSink& sink) = 0;
};

}  // namespace wspush::door
