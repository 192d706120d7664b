#include "auth/topic_rules.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "wspush/hub/topic_name.hpp"

#include "base/check.hpp"

namespace wspush::auth {
namespace {

constexpr ByteView kUser = "{user}";

/// Cuts the first segment off `rest`.
ByteView take_segment(ByteView& rest) {
  const ByteView segment = rest.substr(0, rest.find('.'));
  rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
  return segment;
}

/// Whether one of the pattern's segments is `{user}`.
bool names_user(ByteView pattern) {
  while (!pattern.empty()) {
    if (take_segment(pattern) == kUser) {
      return true;
    }
  }
  return false;
}

/// The segment of a topic or pattern that stands where `match` has its first `{user}`; empty where
/// there is none.
ByteView user_in(ByteView match, ByteView name) {
  while (!match.empty()) {
    const ByteView segment = take_segment(name);
    if (take_segment(match) == kUser) {
      return segment;
    }
  }
  return {};
}

/// Whether a rule's `match` fits `topic` with `who` in the place of `{user}`. A `sub` of several
/// segments fits nowhere.
bool fits(ByteView match, const Identity* who, ByteView topic) {
  while (!match.empty() && !topic.empty()) {
    const ByteView wanted = take_segment(match);
    if (wanted == ">") {
      return true;
    }
    const ByteView segment = take_segment(topic);
    const bool is_fitting = wanted == kUser ? who != nullptr && segment == who->user
                                            : wanted == "*" || wanted == segment;
    if (!is_fitting) {
      return false;
    }
  }
  return match.empty() && topic.empty();
}

/// `match` with `user` in the place of `{user}`.
std::string with_user(ByteView match, ByteView user) {
  std::string pattern;
  while (!match.empty()) {
    const ByteView segment = take_segment(match);
    pattern.append(segment == kUser ? user : segment);
    pattern.append(match.empty() ? "" : ".");
  }
  return pattern;
}

/// `match` with `who` in the place of `{user}`; nothing where that makes no pattern of the client's
/// own: it is anonymous, or its `sub` is no segment. (A `sub` of `*` must not become a wildcard.)
std::optional<std::string> filled(ByteView match, const Identity* who) {
  if (!names_user(match)) {
    return std::string(match);
  }
  if (who == nullptr || !hub::is_topic(who->user) || who->user.find('.') != std::string::npos) {
    return std::nullopt;
  }
  return with_user(match, who->user);
}

/// Entries of tokens are never looked at as rules: `{user}` in them is a name.
bool lists(const std::vector<std::string>& entries, ByteView name) {
  return std::ranges::any_of(
      entries, [&](const std::string& entry) { return hub::pattern_covers(entry, name); });
}

Verdict judge(config::Permission permission, const Identity* who, bool is_listed,
              bool is_subscribed) {
  switch (permission) {
    case config::Permission::kAnyone:
      return Verdict::kAllowed;
    case config::Permission::kAuthenticated:
      return who == nullptr ? Verdict::kUnauthenticated : Verdict::kAllowed;
    case config::Permission::kToken:
      return who == nullptr ? Verdict::kUnauthenticated
             : is_listed    ? Verdict::kAllowed
                            : Verdict::kForbidden;
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

bool TopicRules::may_subscribe(ByteView name) const {
  // Whose `sub` is not the topic's segment is judged by the rules behind those with `{user}`.
  for (const config::TopicRule& rule : config_->topics) {
    const bool is_of_users = names_user(rule.match);
    const std::string match = is_of_users ? with_user(rule.match, "*") : rule.match;
    if (!hub::patterns_overlap(match, name)) {
      continue;
    }
    if (rule.subscribe == config::Permission::kNobody && !is_of_users) {
      return false;
    }
    if (rule.subscribe != config::Permission::kNobody && hub::pattern_covers(match, name)) {
      return true;
    }
  }
  return false;
}

const config::TopicRule* TopicRules::rule_for(const Identity* who, ByteView topic) const {
  for (const config::TopicRule& rule : config_->topics) {
    if (fits(rule.match, who, topic)) {
      return &rule;
    }
  }
  return nullptr;
}

/// Whether the topic or pattern has a rule for its user alone, who the anonymous client is not:
/// then a token is what it lacks.
bool TopicRules::could_with_a_user(Act act, ByteView name) const {
  return std::ranges::any_of(config_->topics, [&](const config::TopicRule& rule) {
    const config::Permission permission = act == Act::kSubscribe ? rule.subscribe : rule.publish;
    const ByteView user = user_in(rule.match, name);
    return permission != config::Permission::kNobody && !user.empty() && !hub::has_wildcard(user) &&
           hub::pattern_covers(with_user(rule.match, user), name);
  });
}

Verdict TopicRules::judge_topic(Act act, const Identity* who, ByteView topic,
                                bool is_subscribed) const {
  const config::TopicRule* const rule = rule_for(who, topic);
  Verdict verdict = Verdict::kForbidden;
  if (rule != nullptr) {
    const bool is_listed =
        who != nullptr && lists(act == Act::kSubscribe ? who->subscribe : who->publish, topic);
    verdict = judge(act == Act::kSubscribe ? rule->subscribe : rule->publish, who, is_listed,
                    is_subscribed);
  }
  return verdict == Verdict::kForbidden && who == nullptr && could_with_a_user(act, topic)
             ? Verdict::kUnauthenticated
             : verdict;
}

Verdict TopicRules::judge_pattern(const Identity* who, ByteView pattern) const {
  const bool is_listed = who != nullptr && lists(who->subscribe, pattern);
  const auto refusal = [&] {
    return who == nullptr && could_with_a_user(Act::kSubscribe, pattern) ? Verdict::kUnauthenticated
                                                                         : Verdict::kForbidden;
  };
  Verdict verdict = Verdict::kAllowed;
  for (const config::TopicRule& rule : config_->topics) {
    const auto match = filled(rule.match, who);
    if (!match || !hub::patterns_overlap(*match, pattern)) {
      continue;
    }
    const Verdict own = judge(rule.subscribe, who, is_listed, false);
    if (own == Verdict::kForbidden) {
      return refusal();
    }
    verdict = own == Verdict::kAllowed ? verdict : own;
    if (hub::pattern_covers(*match, pattern)) {
      return verdict;
    }
  }
  return refusal();  // Some of its topics have no rule.
}

Verdict TopicRules::subscribe_verdict(const Identity* who, ByteView name) const {
  return hub::has_wildcard(name) ? judge_pattern(who, name)
                                 : judge_topic(Act::kSubscribe, who, name, false);
}

Verdict TopicRules::publish_verdict(const Identity* who, ByteView topic, bool is_subscribed) const {
  return judge_topic(Act::kPublish, who, topic, is_subscribed);
}

}  // namespace wspush::auth
