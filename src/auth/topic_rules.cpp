#include "auth/topic_rules.hpp"

#include "wspush/hub/topic_name.hpp"

#include "base/check.hpp"

namespace wspush::auth {
namespace {

Verdict judge(config::Permission permission, bool is_subscribed) {
  switch (permission) {
    case config::Permission::kAnyone:
      return Verdict::kAllowed;
    case config::Permission::kAuthenticated:
    case config::Permission::kToken:
      return Verdict::kUnauthenticated;
    case config::Permission::kSubscriber:
      return is_subscribed ? Verdict::kAllowed : Verdict::kForbidden;
    case config::Permission::kNobody:
      return Verdict::kForbidden;
  }
  WSPUSH_CHECK(false);
  return Verdict::kForbidden;
}

}  // namespace

const config::TopicRule* TopicRules::rule_of(ByteView topic) const {
  for (const config::TopicRule& rule : config_->topics) {
    if (hub::pattern_matches(rule.match, topic)) {
      return &rule;
    }
  }
  return nullptr;
}

Verdict TopicRules::subscribe_verdict(const config::TopicRule& rule) const {
  return judge(rule.subscribe, false);
}

Verdict TopicRules::publish_verdict(const config::TopicRule& rule, bool is_subscribed) const {
  return judge(rule.publish, is_subscribed);
}

}  // namespace wspush::auth
