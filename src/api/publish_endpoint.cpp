#include "api/publish_endpoint.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "api/message_entry.hpp"
#include "api/topic_access.hpp"
#include "base/json.hpp"
#include "base/utf8.hpp"
#include "http/accept_header.hpp"
#include "http/buffered_handler.hpp"
#include "hub/idempotency_window.hpp"

namespace wspush::api {
namespace {

/// Of an answer: its text does not grow by steps.
constexpr std::size_t kUsualAnswerBytes = 96;

/// What the head says about the message.
struct Form {
  std::string topic;
  hub::PayloadKind kind = hub::PayloadKind::kBinary;
  std::string key;
  std::string idempotency_key;
  std::uint64_t message_bytes_max = 0;  ///< of the topic's rule
  bool wants_receipt = false;
};

hub::PayloadKind kind_of(const http::HeaderMap& headers) {
  const std::string type = http::media_type_essence(headers.find("Content-Type").value_or(""));
  if (type == "application/json") {
    return hub::PayloadKind::kJson;
  }
  return type.starts_with("text/") ? hub::PayloadKind::kText : hub::PayloadKind::kBinary;
}

Result<Form, ApiError> read_form(const Request& request) {
  const auto rule =
      admit(request.argument, auth::ApiRight::kPublish, request.caller, request.context);
  if (!rule) {
    return Unexpected(rule.error());
  }
  const http::HeaderMap& headers = request.exchange.head().headers;
  const ByteView key = headers.find("Wspush-Key").value_or("");
  if (headers.count("Wspush-Key") > 1 || key.size() > kMessageKeyBytesMax || !is_valid_utf8(key)) {
    return Unexpected(bad_request("Wspush-Key is UTF-8 of at most 255 bytes, once"));
  }
  const auto idempotency_key = headers.find("Idempotency-Key");
  // An empty one would be taken for none, and a repeat would publish again.
  if (headers.count("Idempotency-Key") > 1 ||
      (idempotency_key && (idempotency_key->empty() ||
                           idempotency_key->size() > hub::IdempotencyWindow::kKeyBytesMax))) {
    return Unexpected(bad_request("Idempotency-Key has 1 to 255 bytes, once"));
  }
  const auto receipts = request.exchange.target().all("receipt");
  if (receipts.size() > 1 || (!receipts.empty() && receipts.front() != "written")) {
    return Unexpected(bad_request("receipt is `written`, once"));
  }
  return Form{.topic = std::string(request.argument),
              .kind = kind_of(headers),
              .key = std::string(key),
              .idempotency_key = std::string(idempotency_key.value_or("")),
              .message_bytes_max = (*rule)->message_bytes,
              .wants_receipt = !receipts.empty()};
}

class PublishHandler final : public http::BufferedHandler, public hub::ReplySink {
 public:
  PublishHandler(const Request& request, Form form)
      : BufferedHandler(static_cast<std::size_t>(
            std::min(form.message_bytes_max, request.context.config->limits.body_bytes))),
        context_(request.context),
        to_(request.to),
        form_(std::move(form)) {
    to_.wants_receipt = form_.wants_receipt;
  }

  void on_head(http::Exchange& exchange) override {
    exchange_ = &exchange;
    const std::uint64_t bytes = exchange.head().content_length.value_or(0);
    if (bytes > context_.config->limits.body_bytes) {
      context_.metrics.limit_hit(metrics::Limit::kBodyBytes);
    } else if (bytes > form_.message_bytes_max) {
      context_.metrics.limit_hit(metrics::Limit::kRuleMessageBytes);
    }
    BufferedHandler::on_head(exchange);
  }

  void on_reply(std::uint32_t /*item*/, hub::Reply&& reply) override {
    if (const auto* published = std::get_if<hub::PublishedReply>(&reply)) {
      std::string body;
      body.reserve(kUsualAnswerBytes);
      body.append(R"({"id":")");
      hub::append_to(body, published->id);
      body.append(R"(","subscribers":)").append(std::to_string(published->subscribers));
      if (form_.wants_receipt) {
        body.append(R"(,"written":)").append(std::to_string(published->written));
      }
      body.push_back('}');
      exchange_->respond(json_response(201, std::move(body)));
    } else if (const auto* error = std::get_if<hub::HubError>(&reply)) {
      exchange_->respond(response_of(error_of(*error)));
    }
  }

 private:
  void on_request(http::Exchange& exchange, std::string&& body) override {
    if (form_.kind == hub::PayloadKind::kJson) {
      if (const auto checked = check_json(body); !checked) {
        exchange.respond(response_of(not_json(checked.error(), context_.metrics)));
        return;
      }
    } else if (form_.kind == hub::PayloadKind::kText && !is_valid_utf8(body)) {
      exchange.respond(response_of(bad_request("the text is not UTF-8")));
      return;
    }
    context_.hub.publish(form_.topic, hub::Message::create(form_.kind, body, form_.key),
                         form_.idempotency_key, to_);
  }

  ApiContext& context_;
  hub::ReplyTo to_;
  Form form_;
  http::Exchange* exchange_ = nullptr;
};

}  // namespace

Route publish_message(const Request& request) {
  auto form = read_form(request);
  if (!form) {
    return refuse(form.error());
  }
  return route_to(std::make_unique<PublishHandler>(request, std::move(*form)));
}

}  // namespace wspush::api
