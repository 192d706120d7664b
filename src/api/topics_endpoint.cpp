#include "api/topics_endpoint.hpp"

#include <any>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "api/query.hpp"
#include "api/topic_access.hpp"
#include "base/json.hpp"
#include "base/utf8.hpp"
#include "hub/message_json.hpp"

namespace wspush::api {
namespace {

constexpr LimitBounds kTopicsLimit{.if_absent = 1000, .max = 10'000};
constexpr LimitBounds kHistoryLimit{.if_absent = 100, .max = hub::kHistoryMessagesMax};

http::Response show_topics(const std::vector<TopicSummary>& topics) {
  std::string body = R"({"topics":[)";
  for (const TopicSummary& topic : topics) {
    body.append(&topic == topics.data() ? R"({"topic":)" : R"(,{"topic":)");
    append_json_string(body, topic.topic);
    body.append(R"(,"subscribers":)").append(std::to_string(topic.subscribers));
    body.push_back('}');
  }
  body.append("]}");
  return json_response(200, std::move(body));
}

http::Response show_view(const std::string& topic, const hub::TopicView& view) {
  std::string body = R"({"topic":)";
  append_json_string(body, topic);
  body.append(R"(,"subscribers":)").append(std::to_string(view.subscribers));
  body.append(R"(,"members":)").append(std::to_string(view.members));
  body.append(R"(,"messages":)").append(std::to_string(view.messages));
  body.append(R"(,"bytes":)").append(std::to_string(view.bytes));
  body.append(R"(,"last":")");
  hub::append_to(body, view.last);
  body.append(R"("})");
  return json_response(200, std::move(body));
}

http::Response show_history(const hub::HistoryReply& history) {
  std::string body = R"({"messages":[)";
  bool is_first = true;
  for (const hub::MessageRef& message : history.messages) {
    body.append(is_first ? "{" : ",{");
    hub::append_message_members(body, *message);
    body.push_back('}');
    is_first = false;
  }
  body.append(R"(],"last":")");
  hub::append_to(body, history.last);
  body.append(history.gap ? R"(","gap":true})" : R"("})");
  return json_response(200, std::move(body));
}

}  // namespace

Route list_topics(const Request& request) {
  const auto limit = read_limit(request.exchange.target(), kTopicsLimit);
  if (!limit) {
    return refuse(limit.error());
  }
  const std::string prefix(request.exchange.target().find("prefix").value_or(""));
  if (!is_valid_utf8(prefix)) {
    return refuse(bad_request("the prefix is not UTF-8"));
  }
  ApiContext& context = request.context;
  // What a key may not see is taken out of the answer, so more is asked for.
  const bool is_restricted = request.caller.is_restricted();
  const std::uint32_t asked = is_restricted ? kTopicsLimit.max : *limit;
  return ask(
      request,
      [&context, prefix, asked](const hub::ReplyTo& to) {
        context.server.list_topics(prefix, asked, to);
      },
      [&context, caller = request.caller, limit = *limit](hub::Reply&& reply) mutable {
        auto topics =
            std::any_cast<std::vector<TopicSummary>>(std::get<hub::GatheredReply>(reply).value);
        std::erase_if(topics, [&](const TopicSummary& topic) {
          return !caller.may(auth::ApiRight::kRead, topic.topic, context.config);
        });
        if (topics.size() > limit) {
          topics.resize(limit);
        }
        return show_topics(topics);
      });
}

Route view_topic(const Request& request) {
  const auto rule = admit(request.argument, auth::ApiRight::kRead, request.caller, request.context);
  if (!rule) {
    return refuse(rule.error());
  }
  const std::string topic(request.argument);
  return ask(
      request, [&hub = request.context.hub, topic](const hub::ReplyTo& to) { hub.view(topic, to); },
      [topic](hub::Reply&& reply) { return show_view(topic, std::get<hub::TopicView>(reply)); });
}

Route read_history(const Request& request) {
  const auto rule = admit(request.argument, auth::ApiRight::kRead, request.caller, request.context);
  if (!rule) {
    return refuse(rule.error());
  }
  const auto after = read_after(request.exchange.target());
  if (!after) {
    return refuse(after.error());
  }
  const auto limit = read_limit(request.exchange.target(), kHistoryLimit);
  if (!limit) {
    return refuse(limit.error());
  }
  return ask(
      request,
      [&hub = request.context.hub, topic = std::string(request.argument), after = *after,
       limit = *limit](const hub::ReplyTo& to) { hub.history(topic, after, limit, to); },
      [](hub::Reply&& reply) { return show_history(std::get<hub::HistoryReply>(reply)); });
}

Route clear_history(const Request& request) {
  const auto rule =
      admit(request.argument, auth::ApiRight::kPublish, request.caller, request.context);
  if (!rule) {
    return refuse(rule.error());
  }
  return ask(
      request,
      [&hub = request.context.hub, topic = std::string(request.argument)](const hub::ReplyTo& to) {
        hub.clear(topic, to);
      },
      [](hub::Reply&& /*reply*/) { return http::Response{.status = 204}; });
}

}  // namespace wspush::api
