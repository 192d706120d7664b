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
  for (const auto& row : kRows) {
    const TopicRules publish = rules_of(
        {{.match = "t", .subscribe = Permission::kNobody, .publish = row.permission}});
    EXPECT_EQ(publish.publish_verdict("t", false), row.verdict);
    EXPECT_EQ(publish.publish_verdict("t", true), row.verdict_of_subscriber);
    EXPECT_FALSE(publish.may_subscribe("t"));
    const TopicRules subscribe = rules_of(
        {{.match = "t", .subscribe = row.permission, .publish = Permission::kNobody}});
    EXPECT_EQ(subscribe.subscribe_verdict("t"), row.verdict);
    EXPECT_EQ(subscribe.may_subscribe("t"), row.verdict == Verdict::kAllowed);
    EXPECT_EQ(subscribe.publish_verdict("t", true), Verdict::kForbidden);
    EXPECT_EQ(subscribe.subscribe_verdict("no.rule"), Verdict::kForbidden);
    EXPECT_EQ(subscribe.publish_verdict("no.rule", true), Verdict::kForbidden);
  }
}

TEST(TopicRules, AnAnonymousClientIsNoUserOfAnyName) {
  const config::TopicRule user{.match = "user.{user}.>",
                               .subscribe = Permission::kAnyone,
                               .publish = Permission::kAnyone};
  const TopicRules alone = rules_of({user});
  EXPECT_NE(alone.rule_of("user.bob.x"), nullptr) << "history, bounds and back ends";
  EXPECT_EQ(alone.subscribe_verdict("user.bob.x"), Verdict::kForbidden);
  EXPECT_EQ(alone.publish_verdict("user.bob.x", true), Verdict::kForbidden);
  EXPECT_EQ(alone.subscribe_verdict("user.{user}.x"), Verdict::kForbidden);
  // The next rule that fits decides.
  const TopicRules open = rules_of({user, {.match = ">"}});
  EXPECT_EQ(open.rule_of("user.bob.x")->match, user.match);
  EXPECT_EQ(open.subscribe_verdict("user.bob.x"), Verdict::kAllowed);
  EXPECT_EQ(open.publish_verdict("user.bob.x", true), Verdict::kForbidden);
}

TEST(TopicRules, TheDefaultLetsAnyoneSubscribeAndNobodyPublish) {
  const TopicRules rules(std::make_shared<config::Config>());
  EXPECT_EQ(rules.subscribe_verdict("any.topic"), Verdict::kAllowed);
  EXPECT_EQ(rules.publish_verdict("any.topic", true), Verdict::kForbidden);
}

}  // namespace
}  // namespace wspush::auth
