#include "door/websocket_handshake.hpp"

#include "wspush/hub/topic_name.hpp"

#include "auth/origin_policy.hpp"
#include "door/echo_session.hpp"
#include "door/raw_session.hpp"
#include "door/wspush_v1_session.hpp"
#include "websocket/opening_handshake.hpp"

namespace wspush::door {
namespace {

constexpr ByteView kVersion13 = "13";
/// Of a 101: Upgrade, the key's answer, two of the origin, the subprotocol, the extensions.
constexpr std::size_t kHeadersMax = 6;

}  // namespace

bool asks_for_websocket(const http::RequestHead& head, bool is_relaxed) {
  return head.headers.has_token("Upgrade", "websocket") ||
         (is_relaxed && head.headers.contains("Sec-WebSocket-Key") &&
          head.headers.contains("Sec-WebSocket-Version"));
}

void WebSocketHandshake::refuse(int status, ByteView code, ByteView message) {
  context_.metrics.handshake_refused(status);
  http::Response response = http::error_response(status, code, message);
  // Some proxies switch to tunnelling on the request alone: nothing more may follow on this
  // connection.
  response.close = true;
  if (status == 401) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
  }
  if (status == 405) {
    response.headers.emplace_back("Allow", "GET");
  }
  if (status == 426) {
    response.headers.emplace_back("Sec-WebSocket-Version", kVersion13);
    response.headers.emplace_back("Upgrade", "websocket");
  }
  if (status == 429 || status == 503) {
    response.headers.emplace_back("Retry-After", std::to_string(1 + context_.random.below(5)));
  }
  exchange_.respond(std::move(response));
}

void WebSocketHandshake::refuse(const Refusal& refusal) {
  refuse(refusal.status(), name_of(refusal.error), refusal.message);
}

void WebSocketHandshake::on_head(http::Exchange& /*exchange*/) {
  const http::RequestHead& head = exchange_.head();
  if (judge(head) && judge_origin(head) && judge_token(head) && judge_subprotocols(head) &&
      judge_extensions(head)) {
    add_deflating_stream();
    on_valid_request();
  }
}

void WebSocketHandshake::on_body(http::Exchange& /*exchange*/, ByteView /*piece*/) {
}
void WebSocketHandshake::on_body_end(http::Exchange& /*exchange*/) {
}
void WebSocketHandshake::on_reply(std::uint32_t /*item*/, hub::Reply&& /*reply*/) {
}

bool WebSocketHandshake::judge(const http::RequestHead& head) {
  const http::HeaderMap& headers = head.headers;
  if (head.method != "GET") {
    refuse(405, "method_not_allowed", "a WebSocket handshake is a GET");
    return false;
  }
  if (context_.is_draining) {
    refuse(503, "unavailable", "the server is going away");
    return false;
  }
  const bool is_relaxed = context_.config->handshake.relaxed;
  if (!asks_for_websocket(head, is_relaxed)) {
    refuse(426, "upgrade_required", "this is a WebSocket endpoint: Upgrade: websocket is missing");
    return false;
  }
  const bool is_by_the_rfc =
      head.version == http::Version::kHttp11 && headers.has_token("Connection", "upgrade");
  if (!is_by_the_rfc && !is_relaxed) {
    refuse(400, "bad_request", "Connection: Upgrade is missing, or this is not HTTP/1.1");
    return false;
  }
  if (head.has_body() || exchange_.has_early_input()) {
    refuse(400, "bad_request", "a WebSocket handshake has no body, and nothing behind it");
    return false;
  }
  const auto version = headers.find("Sec-WebSocket-Version");
  if (headers.count("Sec-WebSocket-Version") != 1) {
    refuse(400, "bad_request", "Sec-WebSocket-Version must be there once");
    return false;
  }
  if (*version != kVersion13) {
    refuse(426, "upgrade_required", "only version 13 of WebSocket is spoken here");
    return false;
  }
  const auto key = headers.find("Sec-WebSocket-Key");
  if (headers.count("Sec-WebSocket-Key") != 1 || !websocket::is_valid_key(*key)) {
    refuse(400, "bad_request", "Sec-WebSocket-Key must be there once, base64 of 16 bytes");
    return false;
  }
  headers_.reserve(kHeadersMax);
  headers_.emplace_back("Upgrade", "websocket");
  headers_.emplace_back("Sec-WebSocket-Accept", websocket::accept_key(*key));
  return true;
}

bool WebSocketHandshake::judge_origin(const http::RequestHead& head) {
  const auto origin = head.headers.find("Origin");
  if (!origin) {
    return true;  // Not a browser.
  }
  if (head.headers.count("Origin") != 1 ||
      !auth::is_origin_allowed(context_.config->origins, *origin, head.host)) {
    refuse(403, "forbidden", "this Origin is not in the config's origins");
    return false;
  }
  headers_.emplace_back("Access-Control-Allow-Origin", *origin);
  headers_.emplace_back("Access-Control-Allow-Credentials", "true");
  return true;
}

bool WebSocketHandshake::judge_token(const http::RequestHead& head) {
  auto identity = identify(context_, head, exchange_.target());
  if (!identity) {
    refuse(identity.error());
    return false;
  }
  identity_ = std::move(*identity);
  exchange_.use_identity(identity_);
  return true;
}

bool WebSocketHandshake::judge_subprotocols(const http::RequestHead& head) {
  std::vector<ByteView> values;
  head.headers.for_each("Sec-WebSocket-Protocol",
                        [&](std::string_view value) { values.push_back(value); });
  const auto offered = websocket::parse_subprotocols(values);
  if (!offered) {
    refuse(400, "bad_request", "Sec-WebSocket-Protocol is malformed");
    return false;
  }
  if (const auto chosen = websocket::choose_subprotocol(*offered, subprotocols())) {
    headers_.emplace_back("Sec-WebSocket-Protocol", *chosen);
  }
  return true;
}

bool WebSocketHandshake::judge_extensions(const http::RequestHead& head) {
  std::vector<ByteView> values;
  head.headers.for_each("Sec-WebSocket-Extensions",
                        [&](std::string_view value) { values.push_back(value); });
  auto negotiated = websocket::negotiate_deflate(values, context_.deflation.bounds());
  if (!negotiated) {
    refuse(400, "bad_request", "Sec-WebSocket-Extensions is malformed");
    return false;
  }
  if (*negotiated) {
    deflate_ = (*negotiated)->agreement;
    headers_.emplace_back("Sec-WebSocket-Extensions", std::move((*negotiated)->answer));
  }
  return true;
}

/// Here, as a door may subscribe its connection before the 101: the hub has to know by then that
/// its bytes go through a stream. Until frames begin, and with a refusal, it changes nothing.
void WebSocketHandshake::add_deflating_stream() {
  if (deflate_ && deflate_->server_context_takeover) {
    auto stream =
        std::make_unique<DeflatingStream>(context_.deflation, deflate_->server_window_bits);
    deflating_ = stream.get();
    exchange_.connection().add_layer(std::move(stream));
  }
}

void WebSocketHandshake::accept(std::unique_ptr<WebSocketSession> session) {
  if (deflate_) {
    session->use_deflate(*deflate_);
  }
  session->use_identity(std::move(identity_));
  exchange_.upgrade(std::move(headers_), std::move(session));
  if (deflating_ != nullptr) {
    deflating_->begin_frames(exchange_.connection().queued_bytes());
  }
}

namespace {

class WspushV1Handshake final : public WebSocketHandshake {
 public:
  using WebSocketHandshake::WebSocketHandshake;

 private:
  std::span<const std::string> subprotocols() const override {
    static const std::string kName = "wspush.v1";
    return {&kName, 1};
  }
  void on_valid_request() override {
    auto session = std::make_unique<WspushV1Session>(exchange().connection(), context());
    WspushV1Session& opened = *session;
    accept(std::move(session));
    opened.open();
  }
};

class EchoHandshake final : public WebSocketHandshake {
 public:
  using WebSocketHandshake::WebSocketHandshake;

 private:
  std::span<const std::string> subprotocols() const override {
    return context().config->subprotocols;
  }
  void on_valid_request() override {
    if (identity() == nullptr && context().config->auth.required) {
      refuse({CommandError::kUnauthenticated, "this server wants a token"});
      return;
    }
    accept(std::make_unique<EchoSession>(exchange().connection(), context()));
  }
};

class RawHandshake final : public WebSocketHandshake {
 public:
  RawHandshake(UpgradeExchange& exchange, Context& context, std::string topic)
      : WebSocketHandshake(exchange, context), topic_(std::move(topic)) {}

  void on_reply(std::uint32_t /*item*/, hub::Reply&& reply) override {
    if (std::holds_alternative<hub::PreparedReply>(reply)) {
      subscribe();
    }
  }

 private:
  std::span<const std::string> subprotocols() const override {
    return context().config->subprotocols;
  }

  void on_valid_request() override {
    if (topic_.size() > context().config->limits.topic_bytes) {
      context().metrics.limit_hit(metrics::Limit::kTopicBytes);
    }
    if (!hub::is_topic(topic_, context().config->limits.topic_bytes)) {
      refuse(400, "bad_topic", "not a topic");
      return;
    }
    if (const auto after = exchange().target().find("after"); after == "first") {
      after_.kind = hub::After::Kind::kFirst;
    } else if (after) {
      const auto id = hub::parse_message_id(*after);
      if (!id) {
        refuse(400, "bad_request", "after must be a message id or first");
        return;
      }
      after_ = {.kind = hub::After::Kind::kId, .id = *id};
    }
    if (const auto refusal = refusal_to_subscribe(context(), identity(), topic_)) {
      refuse(*refusal);
    } else if (context().hub.prepare({&topic_, 1}, false, exchange().reply_to(0))) {
      subscribe();
    }
  }

  void subscribe() {
    if (context().is_draining) {
      refuse(503, "unavailable", "the server is going away");
      return;
    }
    if (const auto refusal = refusal_to_subscribe(context(), identity(), topic_)) {
      refuse(*refusal);  // The rules have changed while the log was on its way.
      return;
    }
    const hub::SubscribeOptions options{.after = after_,
                                        .mode = hub::Mode::kAll,
                                        .form = form_of(hub::WireForm::kRaw, deflate()),
                                        .role = hub::PresenceRole::kMember,
                                        .user = present_user(identity_ref())};
    const auto subscribed =
        context().hub.subscribe(exchange().connection().member(), topic_, options);
    if (!subscribed && subscribed.error() == hub::HubError::kForbidden) {
      refuse(403, "forbidden", "no rule fits the topic any more");
      return;
    }
    if (!subscribed && subscribed.error() == hub::HubError::kUnavailable) {
      refuse(503, "unavailable", "the topic's log has not come in time");
      return;
    }
    if (!subscribed) {
      refuse(429, "limit_exceeded", "limits.topics is reached");
      return;
    }
    auto session = std::make_unique<RawSession>(exchange().connection(), context());
    RawSession& opened = *session;
    accept(std::move(session));
    opened.open(subscribed->recovered);
  }

  std::string topic_;
  hub::After after_;
};

}  // namespace

std::unique_ptr<WebSocketHandshake> make_wspush_v1_handshake(UpgradeExchange& exchange,
                                                             Context& context) {
  return std::make_unique<WspushV1Handshake>(exchange, context);
}

std::unique_ptr<WebSocketHandshake> make_raw_handshake(UpgradeExchange& exchange, Context& context,
                                                       std::string topic) {
  return std::make_unique<RawHandshake>(exchange, context, std::move(topic));
}

std::unique_ptr<WebSocketHandshake> make_echo_handshake(UpgradeExchange& exchange,
                                                        Context& context) {
  return std::make_unique<EchoHandshake>(exchange, context);
}

}  // namespace wspush::door
