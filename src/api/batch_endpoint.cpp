#include "api/batch_endpoint.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/message_entry.hpp"
#include "api/ndjson_endpoint.hpp"
#include "base/json.hpp"
#include "http/accept_header.hpp"
#include "http/buffered_handler.hpp"

namespace wspush::api {
namespace {

class BatchHandler final : public http::BufferedHandler, public hub::ReplySink {
 public:
  explicit BatchHandler(const Request& request)
      : BufferedHandler(static_cast<std::size_t>(request.context.config->limits.body_bytes)),
        context_(request.context),
        to_(request.to),
        caller_(request.caller) {}

  void on_head(http::Exchange& exchange) override {
    exchange_ = &exchange;
    BufferedHandler::on_head(exchange);
    if (has_refused()) {
      context_.metrics.limit_hit(metrics::Limit::kBodyBytes);
    }
  }

  /// `item` is the message's place in the batch.
  void on_reply(std::uint32_t item, hub::Reply&& reply) override {
    if (const auto* published = std::get_if<hub::PublishedReply>(&reply)) {
      outcomes_[item].id = published->id;
    } else if (const auto* error = std::get_if<hub::HubError>(&reply)) {
      outcomes_[item].error = error_of(*error);
    }
    --pending_;
    answer_if_done();
  }

 private:
  struct Outcome {
    hub::MessageId id;
    std::optional<ApiError> error;
  };

  void on_request(http::Exchange& exchange, std::string&& body) override {
    const auto object = parse_json_object(body);
    if (!object) {
      exchange.respond(response_of(not_json(object.error(), context_.metrics)));
      return;
    }
    const JsonValue* const messages = object->find("messages");
    if (messages == nullptr || !messages->is_array()) {
      exchange.respond(response_of(bad_request("messages is an array")));
      return;
    }
    std::size_t count = 0;
    for ([[maybe_unused]] const JsonValue& message : messages->elements()) {
      ++count;
    }
    if (count > kBatchMessagesMax) {
      exchange.respond(response_of(too_large("the batch has more than 100000 messages")));
      return;
    }
    outcomes_.resize(count);
    publish_all(*messages);
    has_published_ = true;
    answer_if_done();
  }

  void publish_all(const JsonValue& messages) {
    std::uint32_t item = 0;
    for (const JsonValue& message : messages.elements()) {
      const hub::ReplyTo to = reply_to(item);
      std::optional<ApiError>& error = outcomes_[item++].error;
      if (!message.is_object()) {
        error = bad_request("a message is an object");
        continue;
      }
      auto entry = read_entry(message.as_object(), caller_, context_);
      if (!entry) {
        error = std::move(entry.error());
        continue;
      }
      ++pending_;
      context_.hub.publish(entry->topic, std::move(entry->message), {}, to);
    }
  }

  hub::ReplyTo reply_to(std::uint32_t item) const {
    hub::ReplyTo to = to_;
    to.item = item;
    return to;
  }

  void answer_if_done() {
    if (!has_published_ || pending_ > 0) {
      return;
    }
    std::string body = R"({"results":[)";
    for (const Outcome& outcome : outcomes_) {
      body.append(&outcome == outcomes_.data() ? "{" : ",{");
      if (outcome.error) {
        append_error_member(body, *outcome.error);
      } else {
        body.append(R"("id":")");
        hub::append_to(body, outcome.id);
        body.push_back('"');
      }
      body.push_back('}');
    }
    body.append("]}");
    exchange_->respond(json_response(200, std::move(body)));
  }

  ApiContext& context_;
  hub::ReplyTo to_;
  Caller caller_;
  http::Exchange* exchange_ = nullptr;
  std::vector<Outcome> outcomes_;
  std::size_t pending_ = 0;  ///< published, not answered yet
  bool has_published_ = false;
};

}  // namespace

Route publish_batch(const Request& request) {
  return route_to(std::make_unique<BatchHandler>(request));
}

Route publish_many(const Request& request) {
  // Its messages are answered one by one, a stream not before its end: whoever wants to know how
  // far a message came asks for it alone, rather than wait for a count that never comes.
  if (request.exchange.target().find("receipt")) {
    return refuse(bad_request("a receipt is for a message that is published by itself"));
  }
  const http::HeaderMap& headers = request.exchange.head().headers;
  const std::string type = http::media_type_essence(headers.find("Content-Type").value_or(""));
  if (type == "application/json") {
    return publish_batch(request);
  }
  if (type == "application/x-ndjson") {
    return publish_stream(request);
  }
  return refuse({.status = 415,
                 .code = "unsupported_media_type",
                 .message = "Content-Type is application/json or application/x-ndjson"});
}

}  // namespace wspush::api
