// The command `publish`.
#include <string>

#include "door/answer_in_call.hpp"
#include "door/wspush_v1_session.hpp"

namespace wspush::door {
namespace {

/// Of an answer beside its id and topic: the text does not grow by steps.
constexpr std::size_t kUsualAnswerBytes = 96;

}  // namespace

void WspushV1Session::publish(const Command& command) {
  if (command.topic == nullptr || !command.topic->is_string()) {
    fail(command.id, CommandError::kBadRequest, "topic must be a string");
    return;
  }
  std::string scratch;
  const ByteView topic = command.topic->string(scratch);
  PublishAccess& access = context().publish_access;
  const bool is_known = access.is_last(topic) && topic.size() <= config().limits.topic_bytes;
  if (!is_known && !is_topic(topic, Patterns::kRefused)) {
    fail(command.id, CommandError::kBadTopic, "not a topic");
    return;
  }
  if (command.data == nullptr) {
    fail(command.id, CommandError::kBadRequest, "data is missing");
    return;
  }
  const PublishRight right = access.judge(context(), *this, connection().handle().slot, topic);
  if (right.verdict == auth::Verdict::kUnauthenticated) {
    fail(command.id, CommandError::kUnauthenticated, "the topic's rule wants a user");
    return;
  }
  if (right.verdict == auth::Verdict::kForbidden) {
    fail(command.id, CommandError::kForbidden, "the topic's rule does not let you publish");
    return;
  }
  const ByteView data = command.data->raw;
  if (data.size() > right.rule->message_bytes) {
    context().metrics.limit_hit(metrics::Limit::kRuleMessageBytes);
    fail(command.id, CommandError::kTooLarge,
         "more than the rule's message_bytes (" + std::to_string(right.rule->message_bytes) + ")");
    return;
  }
  const std::uint32_t item = next_item();
  AnswerInCall answer(context(), *this, item, command.id, topic);
  context().hub.publish(topic, hub::Message::create(hub::PayloadKind::kJson, data), {},
                        reply_to(item));
  if (!answer.has_come()) {
    wait_for(command, std::string(topic));
    wait_if_full();
  }
}

/// {"op":"published","id":3,"topic":"chat.1","message":"5f1c0a2b-7"}
void WspushV1Session::answer_publish(ByteView id, ByteView topic, const hub::Reply& reply) {
  if (const auto* error = std::get_if<hub::HubError>(&reply)) {
    fail(id, command_error_of(*error), "the topic cannot be used now");
    return;
  }
  if (id.empty()) {
    return;  // No answer was asked for.
  }
  std::string text;
  text.reserve(kUsualAnswerBytes + id.size() + topic.size());
  text.append(R"({"op":"published","id":)").append(id).append(R"(,"topic":)");
  append_json_string(text, topic);
  text.append(R"(,"message":")");
  hub::append_to(text, std::get<hub::PublishedReply>(reply).id);
  text.append("\"}");
  send_text(text);
}

}  // namespace wspush::door
