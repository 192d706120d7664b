#include "auth/topic_rules.hpp"

#include <gtest/gtest.h>

namespace wspush::auth {
namespace {

using config::Permission;

TopicRules rules_of(std::vector<config::TopicRule> rules) {
  auto config = std::make_shared<config::Config>();
  config->topics = std::move(rules);
  return TopicRules(std::move(config));
}

TEST(TopicRules, TheFirstRuleThatFitsApplies) {
  const TopicRules rules =
      rules_of({{.match = "a.b"}, {.match = "a.*"}, {.match = "user.{user}"}, {.match = "log.>"}});
  const auto match = [&](ByteView topic) {
    const config::TopicRule* rule = rules.rule_of(topic);
    return rule == nullptr ? std::string("none") : rule->match;
  };
  EXPECT_EQ(match("a.b"), "a.b");
  EXPECT_EQ(match("a.c"), "a.*");
  EXPECT_EQ(match("user.7"), "user.{user}");
  EXPECT_EQ(match("log.a.b"), "log.>");
  EXPECT_EQ(match("log"), "none");
  EXPECT_EQ(match("a"), "none");
  EXPECT_EQ(match("a.b.c"), "none");
  EXPECT_EQ(rules_of({}).rule_of("a"), nullptr);
}

TEST(TopicRules, JudgesEveryPermissionForAnAnonymousClient) {
  const struct {
    Permission permission;
    Verdict verdict;
    Verdict verdict_of_subscriber;
  } kRows[] = {
      {Permission::kAnyone, Verdict::kAllowed, Verdict::kAllowed},
      {Permission::kAuthenticated, Verdict::kUnauthenticated, Verdict::kUnauthenticated},
      {Permission::kToken, Verdict::kUnauthenticated, Verdict::kUnauthenticated},
      {Permission::kSubscriber, Verdict::kForbidden, Verdict::kAllowed},
      {Permission::kNobody, Verdict::kForbidden, Verdict::kForbidden},
  };
  const TopicRules rules = rules_of({});
  for (const auto& row : kRows) {
    const config::TopicRule publish{.subscribe = Permission::kNobody, .publish = row.permission};
    EXPECT_EQ(rules.publish_verdict(publish, false), row.verdict);
    EXPECT_EQ(rules.publish_verdict(publish, true), row.verdict_of_subscriber);
    EXPECT_FALSE(rules.may_subscribe(publish));
    const config::TopicRule subscribe{.subscribe = row.permission, .publish = Permission::kNobody};
    EXPECT_EQ(rules.subscribe_verdict(subscribe), row.verdict);
    EXPECT_EQ(rules.may_subscribe(subscribe), row.verdict == Verdict::kAllowed);
    EXPECT_EQ(rules.publish_verdict(subscribe, true), Verdict::kForbidden);
  }
}

TEST(TopicRules, TheDefaultLetsAnyoneSubscribeAndNobodyPublish) {
  const TopicRules rules(std::make_shared<config::Config>());
  const config::TopicRule* rule = rules.rule_of("any.topic");
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rules.subscribe_verdict(*rule), Verdict::kAllowed);
  EXPECT_EQ(rules.publish_verdict(*rule, true), Verdict::kForbidden);
}

}  // namespace
}  // namespace wspush::auth
