#include "api/topic_access.hpp"

#include "wspush/hub/topic_name.hpp"

namespace wspush::api {

Result<const config::TopicRule*, ApiError> admit(ByteView topic, auth::ApiRight right,
                                                 Caller& caller, ApiContext& context) {
  const std::uint64_t bytes_max = context.config->limits.topic_bytes;
  if (!hub::is_topic(topic, bytes_max)) {
    if (topic.size() > bytes_max) {
      context.metrics.limit_hit(metrics::Limit::kTopicBytes);
    }
    return Unexpected(
        ApiError{.status = 400, .code = "bad_topic", .message = "this is not a topic's name"});
  }
  if (!caller.may(right, topic, context.config)) {
    return Unexpected(forbidden("the API key is not for this topic"));
  }
  const config::TopicRule* const rule = context.rules->rule_of(topic);
  if (rule == nullptr) {
    return Unexpected(error_of(hub::HubError::kForbidden));
  }
  return rule;
}

Result<const config::TopicRule*, ApiError> admit_next(ByteView topic, Caller& caller,
                                                      ApiContext& context) {
  Caller::Admitted& last = caller.last_admitted;
  if (last.topic == topic && last.config == context.config && last.rules == context.rules) {
    return last.rule;
  }
  const auto rule = admit(topic, auth::ApiRight::kPublish, caller, context);
  if (rule) {
    last = {.topic = std::string(topic),
            .rule = *rule,
            .config = context.config,
            .rules = context.rules};
  }
  return rule;
}

}  // namespace wspush::api
