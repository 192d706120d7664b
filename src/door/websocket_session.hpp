#pragma once

#include <memory>
#include <optional>
#include <string>

#include "wspush/door/session.hpp"

#include "base/token_bucket.hpp"
#include "door/context.hpp"
#include "websocket/close_code.hpp"
#include "websocket/frame_header.hpp"
#include "websocket/message_assembler.hpp"

namespace wspush::door {

/// What every WebSocket door has: frames in and out, ping and pong, the close handshake, the
/// heartbeat, the limits on what one peer may send. Source: RFC 6455 §5, §7.
class WebSocketSession : public Session {
 public:
  WebSocketSession(Connection& connection, Context& context);

  /// permessage-deflate was negotiated. Once, before anything is said.
  void use_deflate(const websocket::DeflateAgreement& agreement) { deflate_ = agreement; }

  std::size_t on_input(MutableBytes input) final;
  void on_input_end() final;
  void on_deadline(TimePoint now) final;
  bool on_input_after_close(MutableBytes input) final;
  void on_drained() override;
  void on_lost() final;
  void end(EndReason reason) final;
  void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) override;
  const auth::Identity* identity() const final { return identity_.get(); }
  void on_rules_changed() final;

  /// Who the client is; from now on its token's end is the connection's.
  void use_identity(auth::IdentityRef identity);

 protected:
  /// `payload` is borrowed for the call; text is valid UTF-8.
  virtual void on_message(websocket::Opcode opcode, ByteView payload) = 0;

  Connection& connection() { return connection_; }
  Context& context() { return context_; }
  const config::Config& config() const { return connection_.config(); }
  hub::ReplyTo reply_to(std::uint32_t item) const;
  /// How this client gets what is published.
  hub::WireForm form_of(hub::WireForm plain) const { return door::form_of(plain, deflate_); }

  void send_text(ByteView payload);
  void send_frame(websocket::Opcode opcode, ByteView payload);
  /// Sends a close frame and closes; what the client says from now on is not looked at.
  void close_with(websocket::CloseCode code);
  void close_with(websocket::CloseCode code, ByteView reason);
  bool is_closing() const { return is_closing_; }
  /// Takes what was published before, then closes.
  bool is_leaving() const { return is_leaving_; }
  /// Ends the subscriptions that its identity, by the rules as they are, does not let it have.
  void give_up_what_is_forbidden();
  /// Input stays where it is until `resume()`.
  void pause();
  void resume();

 private:
  void handle(const websocket::AssemblerEvent& event);
  void take_message(const websocket::AssemblerEvent& event);
  websocket::FrameError inflate(const websocket::AssemblerEvent& event, MutableBytes& message);
  void fail(websocket::FrameError error);
  void answer_ping(ByteView payload);
  void send_close(const std::string& payload);
  bool admit_control_frame();
  TimePoint identity_end() const;
  bool end_if_overdue();
  websocket::MessageRules message_rules() const;

  Connection& connection_;
  Context& context_;
  websocket::MessageAssembler assembler_;
  TokenBucket control_frames_;
  TimePoint opened_;
  TimePoint last_ping_{};
  /// While the peer takes nothing, the newest ping of it that has no pong yet.
  std::unique_ptr<std::string> late_pong_;
  /// Where the client's window outlives its messages, from the first compressed one on.
  std::unique_ptr<websocket::Inflater> inflater_;
  std::optional<websocket::DeflateAgreement> deflate_;
  auth::IdentityRef identity_;
  bool is_closing_ = false;
  bool is_paused_ = false;
  bool is_leaving_ = false;   ///< closes when everything is written
  bool is_examined_ = false;  ///< the first heartbeat, which spreads them, has been
};

}  // namespace wspush::door
