#pragma once

#include "base/token_bucket.hpp"
#include "door/websocket_session.hpp"

namespace wspush::door {

/// The raw door: one topic, payloads exactly as they were published, no envelope. What the client
/// sends is published where the topic's rule lets it. Which topic that is the hub knows by the
/// connection's one subscription.
class RawSession final : public WebSocketSession {
 public:
  using WebSocketSession::WebSocketSession;

  /// The subscription holds; `recovered` false: it begins with a hole, which ends it.
  void open(std::optional<bool> recovered);

  DoorKind kind() const override { return DoorKind::kRaw; }
  void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) override;
  bool on_gap(const hub::Gap& gap) override;
  void on_withdrawn(ByteView topic) override;

 private:
  void on_message(websocket::Opcode opcode, ByteView payload) override;

  TokenBucket commands_;
};

}  // namespace wspush::door
