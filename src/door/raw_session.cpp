#include "door/raw_session.hpp"

#include "door/command_rate.hpp"

namespace wspush::door {

using websocket::CloseCode;

void RawSession::open(std::optional<bool> recovered) {
  if (recovered == false) {
    context().hub.remove_subscriber(connection().handle().slot);
    close_with(CloseCode::kMessagesLost);
  }
}

void RawSession::on_message(websocket::Opcode opcode, ByteView payload) {
  if (!commands_.take(context().now, command_rate(config().limits))) {
    context().metrics.limit_hit(metrics::Limit::kCommandsPerSecond);
    close_with(CloseCode::kPolicyViolation, "more than limits.commands_per_second");
    return;
  }
  const ByteView topic = context().hub.topic_of(connection().handle().slot);
  if (topic.empty()) {
    on_withdrawn({});  // By a reload, before this session had taken over.
    return;
  }
  const PublishRight right =
      context().publish_access.judge(context(), *this, connection().handle().slot, topic);
  if (right.verdict != auth::Verdict::kAllowed) {
    close_with(CloseCode::kPolicyViolation, "the topic's rule does not let you publish");
    return;
  }
  if (payload.size() > right.rule->message_bytes) {
    context().metrics.limit_hit(metrics::Limit::kRuleMessageBytes);
    close_with(CloseCode::kTooBig, "more than the rule's message_bytes");
    return;
  }
  const auto kind =
      opcode == websocket::Opcode::kBinary ? hub::PayloadKind::kBinary : hub::PayloadKind::kText;
  context().hub.publish(topic, hub::Message::create(kind, payload), {}, reply_to(0));
}

void RawSession::on_reply(const hub::ReplyTo& /*to*/, hub::Reply&& reply) {
  if (std::holds_alternative<hub::HubError>(reply)) {
    close_with(CloseCode::kTryAgainLater);
  }
}

bool RawSession::on_gap(const hub::Gap& /*gap*/) {
  close_with(CloseCode::kMessagesLost);
  return false;
}

void RawSession::on_withdrawn(ByteView /*topic*/) {
  close_with(CloseCode::kPolicyViolation, "the right to subscribe was withdrawn");
}

}  // namespace wspush::door
