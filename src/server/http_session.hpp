#pragma once

#include <memory>
#include <optional>
#include <string>

#include "wspush/door/session.hpp"

#include "door/context.hpp"
#include "door/upgrade_exchange.hpp"
#include "http/body_reader.hpp"
#include "http/request_parser.hpp"
#include "http/response_writer.hpp"
#include "net/connect_limiter.hpp"

namespace wspush::server {

/// Who answers a request, and who gets the hub's answers on its behalf.
struct Route {
  std::unique_ptr<http::RequestHandler> handler;
  hub::ReplySink* replies = nullptr;
};

/// Chooses by the head of a request; never without a handler.
class Router {
 public:
  virtual ~Router() = default;
  virtual Route route(door::UpgradeExchange& exchange) = 0;
};

/// Says who the client is, before anything else is decided about its request.
class ClientGate {
 public:
  virtual ~ClientGate() = default;
  /// Takes the client's address from `head` where the connection's peer is a trusted proxy, and
  /// counts the connection for it. What is_refused() gets 429.
  virtual net::Admission judge_client(Handle connection, const http::RequestHead& head) = 0;
};

/// The text of a refusal by a limit of one address.
std::string_view limit_message(net::Admission admission);

/// HTTP/1.1 on one connection: requests one after the other, each handed to who answers it; until
/// one of them becomes a WebSocket. Source: RFC 9112.
class HttpSession final : public door::Session, public door::UpgradeExchange {
 public:
  HttpSession(door::Connection& connection, door::Context& context, Router& router,
              ClientGate& gate);

  // --- Session
  door::DoorKind kind() const override { return door_; }
  std::size_t on_input(MutableBytes input) override;
  void on_input_end() override;
  void on_deadline(TimePoint now) override;
  void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) override;
  bool on_gap(const hub::Gap& gap) override;
  void on_withdrawn(ByteView topic) override;
  void on_rules_changed() override;
  void on_frames() override;
  void end(door::EndReason reason) override;
  const auth::Identity* identity() const override { return identity_.get(); }

  // --- UpgradeExchange
  const http::RequestHead& head() const override { return parser_.head(); }
  const http::RequestTarget& target() const override { return target_; }
  std::string peer_address() const override { return connection_.peer_address(); }
  bool peer_is_loopback() const override { return connection_.peer_is_loopback(); }
  std::uint32_t ticket() const override { return ticket_; }
  void respond(http::Response response) override;
  void pause_body() override;
  void resume_body() override;
  door::Connection& connection() override { return connection_; }
  hub::ReplyTo reply_to(std::uint32_t item) const override;
  void use_identity(auth::IdentityRef identity) override { identity_ = std::move(identity); }
  bool has_early_input() const override { return has_early_input_; }
  void upgrade(std::vector<std::pair<std::string, std::string>> headers,
               std::unique_ptr<door::Session> session) override;
  void stream(http::Response head, std::unique_ptr<door::Session> session) override;
  void enter(door::DoorKind door) override;
  void hold_frames(door::FrameSink& sink) override;

 private:
  enum class State : std::uint8_t {
    kHead,      ///< waits for a request, or for the rest of its head
    kBody,      ///< its handler takes the body
    kAnswer,    ///< the request is complete, the answer is not there yet
    kAnswered,  ///< the next request may come
    kEnded,
  };

  std::size_t take_head(ByteView input);
  std::size_t take_body(ByteView input);
  void finish_body();
  void begin_request();
  void refuse(const http::HttpError& error);
  void refuse_client(net::Admission admission);
  void refuse_cut_request();
  void next_request();
  void set_idle_deadline();
  http::ResponseContext response_context() const;

  door::Connection& connection_;
  door::Context& context_;
  Router& router_;
  ClientGate& gate_;
  http::RequestHeadParser parser_;
  http::RequestTarget target_;
  std::unique_ptr<http::RequestHandler> handler_;
  hub::ReplySink* replies_ = nullptr;
  door::FrameSink* frames_ = nullptr;  ///< of the request at hand; null: it takes none
  std::optional<http::BodyReader> body_;
  auth::IdentityRef identity_;  ///< of the request at hand
  std::uint32_t ticket_ = 0;
  State state_ = State::kHead;
  door::DoorKind door_ = door::DoorKind::kHttp;
  http::Version version_ = http::Version::kHttp11;
  bool is_head_request_ = false;
  bool keep_alive_ = true;
  bool has_early_input_ = false;  ///< bytes behind the head at hand
  bool is_first_request_ = true;
  bool is_head_timed_ = true;  ///< the deadline is that of the head: set with its first byte
};

}  // namespace wspush::server
