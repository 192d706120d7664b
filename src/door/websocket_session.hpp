#pragma once

#include <memory>
#include <optional>
#include <string>

#include "wspush/door/session.hpp"

#include "base/short_time.hpp"
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

  // From the thread's RecordPool: there is one for each client.
  static void* operator new(std::size_t bytes);
  static void operator delete(void* session, std::size_t bytes) noexcept;

  /// permessage-deflate was negotiated. Once, before anything is said.
  void use_deflate(const websocket::DeflateAgreement& agreement);

  std::size_t on_input(MutableBytes input) final;
  void on_input_end() final;
  void on_deadline(TimePoint now) final;
  bool on_input_after_close(MutableBytes input) final;
  void on_drained() override;
  void on_lost() final;
  void end(EndReason reason) final;
  void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) override;
  const auth::Identity* identity() const final {
    return extras_ == nullptr ? nullptr : extras_->identity.get();
  }
  auth::IdentityRef identity_ref() const final {
    return extras_ == nullptr ? nullptr : extras_->identity;
  }
  void on_rules_changed() final;

  /// Who the client is; from now on its token's end is the connection's.
  void use_identity(auth::IdentityRef identity);

 protected:
  /// What a door keeps while it waits for answers; null mostly. Each door has its own kind.
  struct Waiting {
    virtual ~Waiting() = default;
  };
  Waiting* waiting() const { return extras_ == nullptr ? nullptr : extras_->waiting.get(); }
  void set_waiting(std::unique_ptr<Waiting> waiting);

  /// `payload` is borrowed for the call; text is valid UTF-8.
  virtual void on_message(websocket::Opcode opcode, ByteView payload) = 0;

  Connection& connection() { return connection_; }
  Context& context() const { return connection_.context(); }
  const config::Config& config() const { return connection_.config(); }
  hub::ReplyTo reply_to(std::uint32_t item) const;
  /// How this client gets what is published.
  hub::WireForm form_of(hub::WireForm plain) const { return door::form_of(plain, agreement()); }

  void send_text(ByteView payload);
  void send_frame(websocket::Opcode opcode, ByteView payload);
  /// Sends a close frame and closes; what the client says from now on is not looked at.
  void close_with(websocket::CloseCode code);
  void close_with(websocket::CloseCode code, ByteView reason);
  bool is_closing() const { return is_closing_ != 0; }
  /// Takes what was published before, then closes.
  bool is_leaving() const { return is_leaving_ != 0; }
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
  TimePoint unknown_since() const;
  bool end_if_overdue();
  websocket::MessageRules message_rules() const;

  /// What a session has now and then. Allocated when it is needed.
  struct Extras {
    /// While the peer takes nothing, the newest ping of it that has no pong yet.
    std::optional<std::string> late_pong;
    /// Where the client's window outlives its messages, from the first compressed one on.
    std::unique_ptr<websocket::Inflater> inflater;
    std::unique_ptr<Waiting> waiting;
    auth::IdentityRef identity;  ///< null: anonymous
    TimePoint unknown_since{};   ///< anonymous where a user is wanted; else the clock's beginning
  };
  Extras& extras();
  void drop_empty_extras();
  bool has_deflate() const { return server_window_bits_ != 0; }
  std::optional<websocket::DeflateAgreement> agreement() const;

  Connection& connection_;
  // What follows begins in the padding at its end.
  [[no_unique_address]] websocket::MessageAssembler assembler_;
  std::uint16_t server_window_bits_ : 4 = 0;  ///< 0: no permessage-deflate
  std::uint16_t client_window_bits_ : 4 = 0;
  std::uint16_t server_context_takeover_ : 1 = 0;
  std::uint16_t client_context_takeover_ : 1 = 0;
  std::uint16_t is_closing_ : 1 = 0;
  std::uint16_t is_paused_ : 1 = 0;
  std::uint16_t is_leaving_ : 1 = 0;   ///< closes when everything is written
  std::uint16_t is_examined_ : 1 = 0;  ///< the first heartbeat, which spreads them, has been
  std::uint16_t has_heard_ : 1 = 0;    ///< anything since the handshake
  TokenBucket control_frames_;
  std::unique_ptr<Extras> extras_;
  /// Of ours, or the time of what was heard after it; until `is_examined_` when it was opened.
  ShortTime last_ping_;
};

}  // namespace wspush::door
