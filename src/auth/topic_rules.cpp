#include "auth/topic_rules.hpp"

#include <algorithm>

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

/// Whether one of the pattern's segments is `{user}`.
bool names_user(ByteView pattern) {
  while (!pattern.empty()) {
    const ByteView segment = pattern.substr(0, pattern.find('.'));
    if (segment == "{user}") {
      return true;
    }
    pattern.remove_prefix(std::min(segment.size() + 1, pattern.size()));
  }
  return false;
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

const config::TopicRule* TopicRules::rule_of_anonymous(ByteView topic) const {
  for (const config::TopicRule& rule : config_->topics) {
    if (!names_user(rule.match) && hub::pattern_matches(rule.match, topic)) {
      return &rule;
    }
  }
  return nullptr;
}

Verdict TopicRules::subscribe_verdict(ByteView topic) const {
  const config::TopicRule* rule = rule_of_anonymous(topic);
  return rule == nullptr ? Verdict::kForbidden : judge(rule->subscribe, false);
}

Verdict TopicRules::publish_verdict(ByteView topic, bool is_subscribed) const {
  const config::TopicRule* rule = rule_of_anonymous(topic);
  return rule == nullptr ? Verdict::kForbidden : judge(rule->publish, is_subscribed);
}

}  // namespace wspush::auth
