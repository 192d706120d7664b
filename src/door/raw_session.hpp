#pragma once

#include <string>

#include "base/token_bucket.hpp"
#include "door/websocket_session.hpp"

namespace wspush::door {

/// The raw door: one topic, payloads exactly as they were published, no envelope. What the client
/// sends is published where the topic's rule lets it.
class RawSession final : public WebSocketSession {
 public:
  RawSession(Connection& connection, Context& context, std::string topic);

  /// The subscription holds; `recovered` false: it begins with a hole, which ends it.
  void open(std::optional<bool> recovered);

  DoorKind kind() const override { return DoorKind::kRaw; }
  void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) override;
  bool on_gap(const hub::Gap& gap) override;
  void on_withdrawn(ByteView topic) override;

 private:
  void on_message(websocket::Opcode opcode, ByteView payload) override;

  std::string topic_;
  TokenBucket commands_;
};

}  // namespace wspush::door
