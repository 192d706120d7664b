#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "door/context.hpp"
#include "door/credentials.hpp"
#include "door/deflating_stream.hpp"
#include "door/upgrade_exchange.hpp"
#include "door/websocket_session.hpp"

namespace wspush::door {

/// The server's opening handshake (RFC 6455 §4.2): judges the request and refuses it with its
/// reason, or makes a session of the connection. Each door derives from it.
class WebSocketHandshake : public http::RequestHandler, public hub::ReplySink {
 public:
  WebSocketHandshake(UpgradeExchange& exchange, Context& context)
      : exchange_(exchange), context_(context) {}

  void on_head(http::Exchange& exchange) final;
  void on_body(http::Exchange& exchange, ByteView piece) final;
  void on_body_end(http::Exchange& exchange) final;
  void on_reply(std::uint32_t item, hub::Reply&& reply) override;

 protected:
  /// The subprotocols that this door speaks.
  virtual std::span<const std::string> subprotocols() const = 0;
  /// The request is in order: call `accept`, now or later, or `refuse`.
  virtual void on_valid_request() = 0;

  void refuse(int status, ByteView code, ByteView message);
  void refuse(const Refusal& refusal);
  void accept(std::unique_ptr<WebSocketSession> session);

  UpgradeExchange& exchange() { return exchange_; }
  Context& context() const { return context_; }
  /// Who asks; null: anonymous. Once the request is valid, until it is accepted.
  const auth::Identity* identity() const { return identity_.get(); }
  const auth::IdentityRef& identity_ref() const { return identity_; }
  /// What was negotiated, once the request is valid.
  const std::optional<websocket::DeflateAgreement>& deflate() const { return deflate_; }

 private:
  bool judge(const http::RequestHead& head);
  bool judge_origin(const http::RequestHead& head);
  bool judge_token(const http::RequestHead& head);
  bool judge_subprotocols(const http::RequestHead& head);
  bool judge_extensions(const http::RequestHead& head);
  void add_deflating_stream();

  UpgradeExchange& exchange_;
  Context& context_;
  std::vector<std::pair<std::string, std::string>> headers_;
  auth::IdentityRef identity_;
  std::optional<websocket::DeflateAgreement> deflate_;
  DeflatingStream* deflating_ = nullptr;  ///< the connection's, where one was put in
};

/// `GET /ws`
std::unique_ptr<WebSocketHandshake> make_wspush_v1_handshake(UpgradeExchange& exchange,
                                                             Context& context);
/// `GET /topics/{topic}`
std::unique_ptr<WebSocketHandshake> make_raw_handshake(UpgradeExchange& exchange, Context& context,
                                                       std::string topic);
/// `GET /echo`
std::unique_ptr<WebSocketHandshake> make_echo_handshake(UpgradeExchange& exchange,
                                                        Context& context);

/// Whether the request asks for a WebSocket at all: an `Upgrade` that names it. Where the handshake
/// is `relaxed`, a proxy may have taken that away: then the headers tell that only a handshake has.
bool asks_for_websocket(const http::RequestHead& head, bool is_relaxed);

}  // namespace wspush::door
