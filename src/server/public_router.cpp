#include "server/public_router.hpp"

#include <algorithm>

#include "door/topic_request.hpp"
#include "door/websocket_handshake.hpp"
#include "server/pages.hpp"

namespace wspush::server {
namespace {

/// Answers with something that was decided from the head alone.
class FixedAnswer final : public http::RequestHandler {
 public:
  FixedAnswer(http::Response response, metrics::ReactorMetrics& metrics)
      : response_(std::move(response)), metrics_(metrics) {}

  void on_head(http::Exchange& exchange) override {
    if (response_.status >= 400) {
      metrics_.handshake_refused(response_.status);
      // It may have been an upgrade: some proxies tunnel on the request alone.
      response_.close = true;
    }
    exchange.respond(std::move(response_));
  }
  void on_body(http::Exchange& /*exchange*/, ByteView /*piece*/) override {}
  void on_body_end(http::Exchange& /*exchange*/) override {}

 private:
  http::Response response_;
  metrics::ReactorMetrics& metrics_;
};

Route route_of(std::unique_ptr<door::WebSocketHandshake> handshake) {
  hub::ReplySink* const replies = handshake.get();
  return {std::move(handshake), replies};
}

Route route_of(door::TopicRoute route) {
  return {std::move(route.handler), route.replies};
}

http::Response demo_page() {
  return {.status = 200,
          .content_type = "text/html; charset=utf-8",
          .body = std::string(kDemoPage),
          .headers = {{"Cache-Control", "no-cache"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; script-src "
                       "'unsafe-inline'; connect-src 'self' ws: wss:; img-src 'self' data: "
                       "blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"}}};
}

}  // namespace

Route PublicRouter::fixed(http::Response response) {
  return {std::make_unique<FixedAnswer>(std::move(response), context_.metrics), nullptr};
}

Route PublicRouter::route(door::UpgradeExchange& exchange) {
  if (context_.is_draining) {
    http::Response response = http::error_response(503, "unavailable", "the server is going away");
    response.close = true;
    response.headers.emplace_back("Retry-After", std::to_string(1 + context_.random.below(5)));
    return fixed(std::move(response));
  }
  std::string_view path = exchange.target().path();
  const std::string& prefix = context_.config->path_prefix;
  const bool is_ours =
      path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
  if (is_ours) {
    path.remove_prefix(prefix.size());
    Route route = route_path(exchange, path);
    if (route.handler != nullptr) {
      return route;
    }
    const bool is_page = context_.config->demo && (path == "/" || path.empty());
    const std::string_view method = exchange.head().method;
    if (is_page && (method == "GET" || method == "HEAD")) {
      return fixed(demo_page());
    }
    if (is_page) {
      http::Response response =
          http::error_response(405, "method_not_allowed", "this page is for GET and HEAD");
      response.headers.emplace_back("Allow", "GET, HEAD");
      return fixed(std::move(response));
    }
  }
  return fixed(http::error_response(404, "not_found", "nothing lives at this path"));
}

Route PublicRouter::route_path(door::UpgradeExchange& exchange, std::string_view path) {
  const auto& ws_paths = context_.config->ws_paths;
  if (std::find(ws_paths.begin(), ws_paths.end(), path) != ws_paths.end()) {
    return route_of(door::make_wspush_v1_handshake(exchange, context_));
  }
  if (context_.config->echo && path == "/echo") {
    return route_of(door::make_echo_handshake(exchange, context_));
  }
  constexpr std::string_view kTopics = "/topics/";
  const bool is_websocket =
      door::asks_for_websocket(exchange.head(), context_.config->handshake.relaxed);
  if (path.starts_with(kTopics) && path.find('/', kTopics.size()) == std::string_view::npos) {
    const std::string& topic = exchange.target().segments().back();
    return is_websocket
               ? route_of(door::make_raw_handshake(exchange, context_, topic))
               : route_of(door::route_topic_request(exchange, context_, {.names = {topic}}));
  }
  if (path == "/topics" && is_websocket) {
    return fixed(
        http::error_response(400, "bad_request", "a WebSocket of one topic is at /topics/{topic}"));
  }
  if (path == "/topics") {
    const auto named = exchange.target().all("topic");
    return route_of(door::route_topic_request(
        exchange, context_, {.names = {named.begin(), named.end()}, .may_be_patterns = true}));
  }
  return {};
}

}  // namespace wspush::server
