// The command `members`: who is there in a topic whose rule keeps presence.
#include <algorithm>
#include <string>

#include "door/credentials.hpp"
#include "door/wspush_v1_session.hpp"

namespace wspush::door {

void WspushV1Session::members(const Command& command) {
  std::string topic;
  if (!take_topic(command, topic)) {
    return;
  }
  std::uint32_t limit = hub::kMembersPageMax;
  if (const JsonValue* value = command.object.find("limit")) {
    const std::uint64_t asked = value->as_uint64().value_or(0);
    if (asked == 0) {
      fail(command.id, CommandError::kBadRequest, "limit must be a positive integer");
      return;
    }
    limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(asked, limit));
  }
  std::uint32_t from = 0;
  if (const JsonValue* value = command.object.find("cursor");
      value != nullptr && !value->is_null()) {
    std::string scratch;
    const auto place =
        value->is_string() ? hub::parse_members_cursor(value->string(scratch)) : std::nullopt;
    if (!place) {
      fail(command.id, CommandError::kBadRequest, "cursor must be the next of an earlier answer");
      return;
    }
    from = *place;
  }
  if (const auto refusal = refusal_to_subscribe(context(), identity(), topic)) {
    fail(command.id, refusal->error, refusal->message);
    return;
  }
  const config::TopicRule* const rule = context().rules->rule_of(topic);
  if (rule == nullptr || rule->presence == config::Presence::kOff) {
    fail(command.id, CommandError::kBadRequest, "the topic's rule keeps no presence");
    return;
  }
  const std::uint32_t item = wait_for(command, topic);
  context().hub.members(topic, from, limit, reply_to(item));
  wait_if_full();
}

/// {"op":"members","id":5,"topic":"room.1","members":[{"user":"u1","info":null,"connections":1}],
///  "count":1}
void WspushV1Session::answer_members(const PendingAnswer& asked, const hub::MembersReply& members) {
  if (asked.id.empty()) {
    return;  // No answer was asked for.
  }
  std::string text = R"({"op":"members","id":)";
  text.append(asked.id).append(R"(,"topic":)");
  append_json_string(text, asked.topic);
  if (!members.is_count_only) {
    text.append(R"(,"members":[)").append(members.members).push_back(']');
  }
  text.append(R"(,"count":)").append(std::to_string(members.count));
  if (members.next) {
    text.append(R"(,"next":")").append(hub::to_members_cursor(*members.next)).push_back('"');
  }
  text.push_back('}');
  send_text(text);
}

}  // namespace wspush::door
