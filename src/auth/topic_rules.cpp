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

/// Cuts the first segment off `rest`.
ByteView take_segment(ByteView& rest) {
  const ByteView segment = rest.substr(0, rest.find('.'));
  rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
  return segment;
}

enum class Overlap : std::uint8_t { kNone, kSome, kAll };

/// How much of what `pattern` can match `match` matches too. `{user}` is a name here.
Overlap overlap_of(ByteView match, ByteView pattern) {
  Overlap overlap = Overlap::kAll;
  while (!match.empty() && !pattern.empty()) {
    const ByteView wide = take_segment(match);
    const ByteView narrow = take_segment(pattern);
    if (wide == ">") {
      return overlap;
    }
    if (narrow == ">") {
      return Overlap::kSome;
    }
    if (wide != "*" && wide != narrow) {
      if (narrow != "*") {
        return Overlap::kNone;
      }
      overlap = Overlap::kSome;
    }
  }
  return match.empty() && pattern.empty() ? overlap : Overlap::kNone;
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

/// Everything that the pattern can match must be allowed: by a rule that covers it, and by all that
/// come before that one and fit some of it.
Verdict TopicRules::judge_pattern(ByteView pattern) const {
  Verdict verdict = Verdict::kAllowed;
  for (const config::TopicRule& rule : config_->topics) {
    const Overlap overlap =
        names_user(rule.match) ? Overlap::kNone : overlap_of(rule.match, pattern);
    if (overlap == Overlap::kNone) {
      continue;
    }
    const Verdict own = judge(rule.subscribe, false);
    if (own == Verdict::kForbidden) {
      return own;
    }
    verdict = own == Verdict::kAllowed ? verdict : own;
    if (overlap == Overlap::kAll) {
      return verdict;
    }
  }
  return Verdict::kForbidden;
}

Verdict TopicRules::subscribe_verdict(ByteView topic) const {
  if (hub::has_wildcard(topic)) {
    return judge_pattern(topic);
  }
  const config::TopicRule* rule = rule_of_anonymous(topic);
  return rule == nullptr ? Verdict::kForbidden : judge(rule->subscribe, false);
}

Verdict TopicRules::publish_verdict(ByteView topic, bool is_subscribed) const {
  const config::TopicRule* rule = rule_of_anonymous(topic);
  return rule == nullptr ? Verdict::kForbidden : judge(rule->publish, is_subscribed);
}

}  // namespace wspush::auth
