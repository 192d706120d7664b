#include "door/topic_request.hpp"

#include "wspush/hub/topic_name.hpp"

#include "door/long_poll.hpp"
#include "door/sse_session.hpp"
#include "http/accept_header.hpp"

namespace wspush::door {

void TopicRequest::refuse(int status, ByteView code, ByteView message) {
  context_.metrics.handshake_refused(status);
  http::Response response = http::error_response(status, code, message);
  if (status == 401) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
  }
  if (status == 405) {
    response.headers.emplace_back("Allow", kReadMethods);
  }
  if (status == 429 || status == 503) {
    response.headers.emplace_back("Retry-After", std::to_string(1 + context_.random.below(5)));
  }
  respond(std::move(response));
}

void TopicRequest::refuse(const Refusal& refusal) {
  refuse(refusal.status(), name_of(refusal.error), refusal.message);
}

std::optional<Refusal> TopicRequest::find_refusal() const {
  for (const std::string& topic : topics_.names) {
    if (auto refusal = refusal_to_subscribe(context_, identity_.get(), topic)) {
      return refusal;
    }
  }
  return std::nullopt;
}

void TopicRequest::respond(http::Response response) {
  add_cors_headers(cors_, response);
  exchange_.respond(std::move(response));
}

void TopicRequest::on_head(http::Exchange& /*exchange*/) {
  const http::RequestHead& head = exchange_.head();
  if (judge(head) && judge_token(head) && judge_topics() && judge_after(head)) {
    read_options(head);
  }
}

void TopicRequest::on_body_end(http::Exchange& /*exchange*/) {
  const hub::Wanted wanted{.name = name_, .after = after_};
  if (context_.hub.prepare(std::span(&wanted, 1), false, exchange_.reply_to(0))) {
    on_prepared();
  }
}

void TopicRequest::on_reply(std::uint32_t /*item*/, hub::Reply&& reply) {
  if (!std::holds_alternative<hub::PreparedReply>(reply)) {
    return;
  }
  const auto refusal = find_refusal();  // The rules may have changed meanwhile.
  if (!context_.is_draining && !refusal) {
    on_prepared();
    return;
  }
  context_.hub.remove_subscriber(connection().handle().slot);  // What was prepared for it.
  if (refusal) {
    refuse(*refusal);
  } else {
    refuse(503, "unavailable", "the server is going away");
  }
}

bool TopicRequest::judge(const http::RequestHead& head) {
  cors_ = judge_cors(head, *context_.config);
  if (cors_.is_refused) {
    refuse(403, "forbidden", "this Origin is not in the config's origins");
    return false;
  }
  if (head.method != "GET") {
    refuse(405, "method_not_allowed", "topics are read with GET");
    return false;
  }
  if (head.has_body()) {
    refuse(400, "bad_request", "a GET on topics has no body");
    return false;
  }
  return true;
}

bool TopicRequest::judge_token(const http::RequestHead& head) {
  auto identity = identify(context_, head, exchange_.target());
  if (!identity) {
    refuse(identity.error());
    return false;
  }
  identity_ = std::move(*identity);
  exchange_.use_identity(identity_);
  return true;
}

bool TopicRequest::judge_topics() {
  const std::vector<std::string>& names = topics_.names;
  if (names.empty()) {
    refuse(400, "bad_request", "no topic is named");
    return false;
  }
  if (names.size() > hub::kFiltersMax) {
    context_.metrics.limit_hit(metrics::Limit::kTopicsPerRequest);
    refuse(400, "bad_request", "more than 100 topics");
    return false;
  }
  const std::size_t bytes_max = context_.config->limits.topic_bytes;
  for (const std::string& topic : names) {
    if (topic.size() > bytes_max) {
      context_.metrics.limit_hit(metrics::Limit::kTopicBytes);
    }
    if (!(topics_.may_be_patterns ? hub::is_pattern(topic, bytes_max)
                                  : hub::is_topic(topic, bytes_max))) {
      refuse(400, "bad_topic", "not a topic");
      return false;
    }
  }
  if (const auto refusal = find_refusal()) {
    refuse(*refusal);
    return false;
  }
  name_ = hub::feed_name(names);
  return true;
}

bool TopicRequest::judge_after(const http::RequestHead& head) {
  const auto text = read_after(head);
  if (!text) {
    return true;
  }
  after_text_ = *text;
  if (*text == "first") {
    after_.kind = hub::After::Kind::kFirst;
    return true;
  }
  if (is_feed()) {
    auto position = hub::parse_feed_position(*text);
    if (!position) {
      refuse(400, "bad_request", "after is a position of these topics, or first");
      return false;
    }
    after_.kind = hub::After::Kind::kPosition;
    after_.position = std::move(*position);
    return true;
  }
  const auto id = hub::parse_message_id(*text);
  if (!id) {
    refuse(400, "bad_request", "after is a message's id, or first");
    return false;
  }
  after_.kind = hub::After::Kind::kId;
  after_.id = *id;
  return true;
}

std::optional<hub::Subscribed> TopicRequest::subscribe(hub::WireForm form) {
  hub::SubscribeOptions options{.after = after_, .mode = hub::Mode::kAll, .form = form};
  if (form != hub::WireForm::kPoll) {  // Who polls would come and go with every request.
    options.role = hub::PresenceRole::kMember;
    options.user = present_user(identity_);
  }
  const auto subscribed = context_.hub.subscribe(connection().member(), name_, options);
  if (subscribed) {
    return *subscribed;
  }
  context_.hub.remove_subscriber(connection().handle().slot);  // What was prepared for it.
  if (subscribed.error() == hub::HubError::kForbidden) {
    refuse(403, "forbidden", "no rule fits the topic any more");
  } else if (subscribed.error() == hub::HubError::kUnavailable) {
    refuse(503, "unavailable", "the topic's log has not come in time");
  } else {
    refuse(429, "limit_exceeded", "limits.topics is reached");
  }
  return std::nullopt;
}

std::string TopicRequest::place_of(const hub::Subscribed& subscribed) const {
  return is_feed() ? to_string(subscribed.position)
                   : to_string(hub::MessageId{subscribed.next.epoch, subscribed.next.offset - 1});
}

namespace {

/// A browser asks whether it may.
class Preflight final : public http::RequestHandler {
 public:
  Preflight(UpgradeExchange& exchange, Context& context) : exchange_(exchange), context_(context) {}

  void on_head(http::Exchange& /*exchange*/) override {
    const Cors cors = judge_cors(exchange_.head(), *context_.config);
    if (!cors.is_refused) {
      exchange_.respond(preflight_response(cors));
      return;
    }
    context_.metrics.handshake_refused(403);
    exchange_.respond(
        http::error_response(403, "forbidden", "this Origin is not in the config's origins"));
  }
  void on_body(http::Exchange& /*exchange*/, ByteView /*piece*/) override {}
  void on_body_end(http::Exchange& /*exchange*/) override {}

 private:
  UpgradeExchange& exchange_;
  Context& context_;
};

TopicRoute route_of(std::unique_ptr<TopicRequest> request) {
  hub::ReplySink* const replies = request.get();
  return {std::move(request), replies};
}

}  // namespace

TopicRoute route_topic_request(UpgradeExchange& exchange, Context& context,
                               RequestedTopics topics) {
  if (exchange.head().method == "OPTIONS") {
    return {std::make_unique<Preflight>(exchange, context), nullptr};
  }
  return route_of(http::asks_for(exchange.head().headers, "text/event-stream")
                      ? make_sse_request(exchange, context, std::move(topics))
                      : make_long_poll(exchange, context, std::move(topics)));
}

}  // namespace wspush::door
