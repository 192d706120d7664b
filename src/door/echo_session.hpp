#pragma once

#include "door/websocket_session.hpp"

namespace wspush::door {

/// Sends every message back as it came: for conformance tests, where `echo: true`.
class EchoSession final : public WebSocketSession {
 public:
  using WebSocketSession::WebSocketSession;

  DoorKind kind() const override { return DoorKind::kEcho; }

 private:
  void on_message(websocket::Opcode opcode, ByteView payload) override {
    send_frame(opcode, payload);
  }
};

}  // namespace wspush::door
