#include "door/publish_access.hpp"

#include "wspush/door/session.hpp"

#include "door/context.hpp"

namespace wspush::door {

PublishRight PublishAccess::judge(const Context& context, const Session& session,
                                  std::uint32_t slot, ByteView topic) {
  const auth::Identity* const who = session.identity();
  if (!is_last(topic) || who_.get() != who || rules_ != context.rules) {
    topic_.clear();  // Should memory end half-way, nothing is remembered.
    if_subscribed_ = context.rules->publish_verdict(who, topic, true);
    if_not_ = context.rules->publish_verdict(who, topic, false);
    rule_ = context.rules->rule_of(topic);
    rules_ = context.rules;
    who_ = session.identity_ref();
    topic_ = topic;
  }
  const bool is_asked = if_subscribed_ != if_not_;
  const bool is_subscribed = is_asked && context.hub.is_subscribed(slot, topic);
  return {is_subscribed || !is_asked ? if_subscribed_ : if_not_, rule_};
}

}  // namespace wspush::door
