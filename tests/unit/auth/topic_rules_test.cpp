#include "auth/topic_rules.hpp"

#include <gtest/gtest.h>

#include "wspush/hub/topic_name.hpp"

namespace wspush::auth {
namespace {

using config::Permission;

TopicRules rules_of(std::vector<config::TopicRule> rules) {
  auto config = std::make_shared<config::Config>();
  config->topics = std::move(rules);
  return TopicRules(std::move(config));
}

config::TopicRule rule(std::string match, Permission subscribe,
                       Permission publish = Permission::kNobody) {
  return {.match = std::move(match), .subscribe = subscribe, .publish = publish};
}

Identity user(std::string name, std::vector<std::string> subscribe = {},
              std::vector<std::string> publish = {}) {
  Identity identity;
  identity.user = std::move(name);
  identity.subscribe = std::move(subscribe);
  identity.publish = std::move(publish);
  return identity;
}

TEST(TopicRules, TheFirstRuleThatFitsApplies) {
  const TopicRules rules =
      rules_of({{.match = "a.b"}, {.match = "a.*"}, {.match = "user.{user}"}, {.match = "log.>"}});
  const auto match = [&](ByteView topic) {
    const config::TopicRule* found = rules.rule_of(topic);
    return found == nullptr ? std::string("none") : found->match;
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

TEST(TopicRules, JudgeEveryPermissionForEveryKindOfClient) {
  constexpr Verdict kYes = Verdict::kAllowed;
  constexpr Verdict kWho = Verdict::kUnauthenticated;
  constexpr Verdict kNo = Verdict::kForbidden;
  const Identity listed = user("u", {"t"}, {"t"});
  const Identity unlisted = user("u", {"other", "t.>"}, {"other", "t.*"});
  const struct {
    Permission permission;
    Verdict anonymous;
    Verdict unlisted;
    Verdict listed;
    Verdict anonymous_subscriber;
    Verdict unlisted_subscriber;
  } kRows[] = {
      {Permission::kAnyone, kYes, kYes, kYes, kYes, kYes},
      {Permission::kAuthenticated, kWho, kYes, kYes, kWho, kYes},
      {Permission::kToken, kWho, kNo, kYes, kWho, kNo},
      {Permission::kSubscriber, kNo, kNo, kNo, kYes, kYes},
      {Permission::kNobody, kNo, kNo, kNo, kNo, kNo},
  };
  for (const auto& row : kRows) {
    const TopicRules publish = rules_of({rule("t", Permission::kNobody, row.permission)});
    EXPECT_EQ(publish.publish_verdict(nullptr, "t", false), row.anonymous);
    EXPECT_EQ(publish.publish_verdict(&unlisted, "t", false), row.unlisted);
    EXPECT_EQ(publish.publish_verdict(&listed, "t", false), row.listed);
    EXPECT_EQ(publish.publish_verdict(nullptr, "t", true), row.anonymous_subscriber);
    EXPECT_EQ(publish.publish_verdict(&unlisted, "t", true), row.unlisted_subscriber);
    EXPECT_FALSE(publish.may_subscribe("t"));
    const TopicRules subscribe = rules_of({rule("t", row.permission)});
    EXPECT_EQ(subscribe.subscribe_verdict(nullptr, "t"), row.anonymous);
    EXPECT_EQ(subscribe.subscribe_verdict(&unlisted, "t"), row.unlisted);
    EXPECT_EQ(subscribe.subscribe_verdict(&listed, "t"), row.listed);
    EXPECT_EQ(subscribe.may_subscribe("t"), row.permission != Permission::kNobody);
    for (const Identity* who : {static_cast<const Identity*>(nullptr), &unlisted, &listed}) {
      EXPECT_EQ(subscribe.publish_verdict(who, "t", true), kNo);
      EXPECT_EQ(subscribe.subscribe_verdict(who, "no.rule"), kNo);
      EXPECT_EQ(subscribe.publish_verdict(who, "no.rule", true), kNo);
    }
  }
}

TEST(TopicRules, WhatATokenListsIsMatchedAgainstTheTopic) {
  const TopicRules rules = rules_of({rule(">", Permission::kToken, Permission::kToken)});
  const Identity who = user("u", {"news.>", "a.*.c"}, {"chat.1"});
  for (const ByteView topic : {"news.a", "news.a.b", "a.b.c"}) {
    EXPECT_EQ(rules.subscribe_verdict(&who, topic), Verdict::kAllowed) << topic;
    EXPECT_EQ(rules.publish_verdict(&who, topic, true), Verdict::kForbidden) << topic;
  }
  for (const ByteView topic : {"news", "newsx.a", "a.b", "a.b.c.d", "chat.1"}) {
    EXPECT_EQ(rules.subscribe_verdict(&who, topic), Verdict::kForbidden) << topic;
  }
  EXPECT_EQ(rules.publish_verdict(&who, "chat.1", false), Verdict::kAllowed);
  // In a token {user} is a name like any other.
  const Identity odd = user("u", {"inbox.{user}"});
  EXPECT_EQ(rules.subscribe_verdict(&odd, "inbox.u"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(&odd, "inbox.{user}"), Verdict::kAllowed);
}

TEST(TopicRules, AUserHasTheTopicsOfItsName) {
  const TopicRules rules =
      rules_of({rule("inbox.{user}.>", Permission::kAuthenticated, Permission::kAuthenticated),
                rule("inbox.>", Permission::kNobody)});
  const Identity bob = user("bob");
  EXPECT_EQ(rules.subscribe_verdict(&bob, "inbox.bob.x"), Verdict::kAllowed);
  EXPECT_EQ(rules.publish_verdict(&bob, "inbox.bob.x", false), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(&bob, "inbox.alice.x"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(&bob, "inbox.{user}.x"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(&bob, "inbox.bo.x"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "inbox.bob.x"), Verdict::kUnauthenticated)
      << "a token is what it lacks";
  EXPECT_EQ(rules.publish_verdict(nullptr, "inbox.bob.x", false), Verdict::kUnauthenticated);
  EXPECT_TRUE(rules.may_subscribe("inbox.bob.x"));
  EXPECT_FALSE(rules.may_subscribe("inbox.bob"));
  // Names that are no segment have none.
  for (const char* name : {"a.b", "*", ">", "", "inbox"}) {
    const Identity odd = user(name);
    EXPECT_EQ(rules.subscribe_verdict(&odd, "inbox.a.b"), Verdict::kForbidden) << name;
    EXPECT_EQ(rules.subscribe_verdict(&odd, "inbox.bob.x"), Verdict::kForbidden) << name;
  }
}

TEST(TopicRules, AnAnonymousClientIsNoUserOfAnyName) {
  const config::TopicRule own{
      .match = "user.{user}.>", .subscribe = Permission::kAnyone, .publish = Permission::kAnyone};
  const TopicRules alone = rules_of({own});
  EXPECT_NE(alone.rule_of("user.bob.x"), nullptr) << "history, bounds and back ends";
  EXPECT_EQ(alone.subscribe_verdict(nullptr, "user.bob.x"), Verdict::kUnauthenticated);
  EXPECT_EQ(alone.publish_verdict(nullptr, "user.bob.x", true), Verdict::kUnauthenticated);
  EXPECT_EQ(alone.subscribe_verdict(nullptr, "user.{user}.x"), Verdict::kUnauthenticated);
  const TopicRules closed = rules_of({rule("user.{user}", Permission::kNobody)});
  EXPECT_EQ(closed.subscribe_verdict(nullptr, "user.bob"), Verdict::kForbidden)
      << "a token would not help";
  // The next rule that fits decides.
  const TopicRules open = rules_of({own, {.match = ">"}});
  EXPECT_EQ(open.rule_of("user.bob.x")->match, own.match);
  EXPECT_EQ(open.subscribe_verdict(nullptr, "user.bob.x"), Verdict::kAllowed);
}

TEST(TopicRules, TheDefaultLetsAnyoneSubscribeAndNobodyPublish) {
  const TopicRules rules(std::make_shared<config::Config>());
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "any.topic"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "any.>"), Verdict::kAllowed);
  EXPECT_EQ(rules.publish_verdict(nullptr, "any.topic", true), Verdict::kForbidden);
}

// --- patterns: everything that they can match

TEST(TopicRules, APatternNeedsARuleThatCoversIt) {
  const TopicRules rules = rules_of({rule("news.>", Permission::kAnyone)});
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "news.>"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "news.*"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "news.*.live"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, ">"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "*"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "*.live"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "other.*"), Verdict::kForbidden);
}

TEST(TopicRules, APatternIsForbiddenByEachRuleThatFitsSomeOfItsTopics) {
  const TopicRules rules =
      rules_of({rule("news.secret", Permission::kNobody), rule("paid.*", Permission::kToken),
                rule("staff.>", Permission::kAuthenticated), rule(">", Permission::kAnyone)});
  const Identity who = user("u");
  const Identity paying = user("u", {"paid.>"});
  const Identity rich = user("u", {">"});
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "news.*"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(&rich, "news.>"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "news.secret.*"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "paid.>"), Verdict::kUnauthenticated);
  EXPECT_EQ(rules.subscribe_verdict(&who, "paid.>"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(&paying, "paid.>"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(&paying, "paid.*"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "staff.*"), Verdict::kUnauthenticated);
  EXPECT_EQ(rules.subscribe_verdict(&who, "staff.*"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "*.*"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(&rich, "*.*"), Verdict::kForbidden) << "news.secret";
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "weather.>"), Verdict::kAllowed);
}

TEST(TopicRules, APatternInAListMustCoverTheOneAskedFor) {
  const TopicRules rules = rules_of({rule(">", Permission::kToken)});
  const Identity who = user("u", {"a.*", "b.>", "c"});
  EXPECT_EQ(rules.subscribe_verdict(&who, "a.*"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(&who, "a.>"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(&who, "b.*.x"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(&who, "*"), Verdict::kForbidden);
}

TEST(TopicRules, APatternKnowsTheTopicsOfItsUser) {
  const TopicRules rules = rules_of(
      {rule("inbox.{user}.>", Permission::kAuthenticated), rule("inbox.>", Permission::kNobody)});
  const Identity bob = user("bob");
  EXPECT_EQ(rules.subscribe_verdict(&bob, "inbox.bob.>"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(&bob, "inbox.bob.*"), Verdict::kAllowed);
  EXPECT_EQ(rules.subscribe_verdict(&bob, "inbox.*.>"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(&bob, "inbox.alice.>"), Verdict::kForbidden);
  // Who says nothing of himself may be bob, and nobody is all of them.
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "inbox.bob.>"), Verdict::kUnauthenticated);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "inbox.*.>"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "inbox.>"), Verdict::kForbidden);
  EXPECT_EQ(rules.subscribe_verdict(nullptr, "other.bob.>"), Verdict::kForbidden);
  // A name must not become a wildcard.
  for (const char* name : {"*", ">", "bob.x", ""}) {
    const Identity odd = user(name);
    for (const ByteView pattern : {"inbox.*.>", "inbox.>", "inbox.bob.*", "inbox.bob.x.>"}) {
      EXPECT_EQ(rules.subscribe_verdict(&odd, pattern), Verdict::kForbidden) << name << pattern;
    }
  }
}

TEST(TopicRules, SayWhichPatternsNobodyMayHave) {
  const TopicRules rules = rules_of(
      {rule("inbox.{user}.>", Permission::kAuthenticated), rule("paid.>", Permission::kToken),
       rule("closed.>", Permission::kNobody), rule("open.>", Permission::kAnyone)});
  for (const ByteView some : {"inbox.bob.>", "inbox.*.x", "paid.*", "open.>", "open.a"}) {
    EXPECT_TRUE(rules.may_subscribe(some)) << some;
  }
  for (const ByteView none : {">", "*", "inbox.*", "closed.*", "closed.a", "other.>"}) {
    EXPECT_FALSE(rules.may_subscribe(none)) << none;
  }
}

// Whatever a pattern is allowed to match, each of its topics alone is allowed too.
TEST(TopicRules, AnAllowedPatternHasAllowedTopicsOnly) {
  const std::vector<std::string> segments = {"a", "b", "u"};
  std::vector<std::string> topics;
  for (const std::string& one : segments) {
    topics.push_back(one);
    for (const std::string& two : segments) {
      topics.push_back(one + "." + two);
      for (const std::string& three : segments) {
        topics.push_back(one + "." + two + "." + three);
      }
    }
  }
  const std::vector<std::string> matches = {">",   "a.>",      "a.*",   "*.b", "a.b",
                                            "*.>", "a.{user}", "*.*.b", "a"};
  const std::vector<std::string> patterns = {">",   "a.>", "a.*",   "*.b", "*",
                                             "*.*", "*.>", "*.*.b", "u.*", "a.u.>"};
  const Permission permissions[] = {Permission::kAnyone, Permission::kAuthenticated,
                                    Permission::kToken, Permission::kNobody};
  const Identity who = user("u", {"a.*", "*.*.b"});
  std::uint32_t state = 1;
  const auto draw = [&](std::size_t bound) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % bound;
  };
  int allowed = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<config::TopicRule> drawn;
    for (std::size_t i = 0; i < 1 + draw(4); ++i) {
      drawn.push_back(rule(matches[draw(matches.size())], permissions[draw(4)]));
    }
    const TopicRules rules = rules_of(drawn);
    const Identity* const asking = draw(2) == 0 ? nullptr : &who;
    for (const std::string& pattern : patterns) {
      if (rules.subscribe_verdict(asking, pattern) != Verdict::kAllowed) {
        continue;
      }
      ++allowed;
      for (const std::string& topic : topics) {
        if (hub::pattern_matches(pattern, topic)) {
          ASSERT_EQ(rules.subscribe_verdict(asking, topic), Verdict::kAllowed)
              << pattern << " has " << topic << " in round " << round;
        }
      }
    }
  }
  EXPECT_GT(allowed, 500) << "the rules drawn allow too little to show anything";
}

}  // namespace
}  // namespace wspush::auth
