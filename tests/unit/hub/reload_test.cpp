// New rules with more topics, and more subscriptions, than one turn looks at.
#include <deque>

#include "unit/hub/presence_rig.hpp"

namespace wspush::hub::test {
namespace {

constexpr std::uint32_t kMany = 3000;
constexpr std::uint32_t kATurn = 1024;  ///< of either, at most

class Reload : public PresenceRig {
 protected:
  /// Topics of reactor 0 with one subscriber, slot 0, who has nothing else.
  void start_with_many(std::uint16_t reactors = 1, PresenceRole role = PresenceRole::kNone) {
    start(reactors);
    come(0, "ann");
    std::vector<std::pair<std::string, SubscribeOptions>> wanted;
    for (int i = 0; wanted.size() < kMany; ++i) {
      const std::string topic = "many" + std::to_string(i);
      if (siphash13(shared_.topic_key, topic) % reactors == 0) {
        rule(topic);
        topics_.push_back(topic);
        wanted.push_back(
            {topic, {.subscriptions_max = kMany, .role = role, .user = at(0).client(0)->user}});
      }
    }
    at(0).subscribe(0, std::move(wanted), false);
    rest();
    ASSERT_EQ(hub().subscription_count(), kMany);
  }
  /// The rules of the rig as they are, to be changed. They live as long as the test.
  FakeRules& other_rules() { return made_.emplace_back(rules_); }
  FakeRules& without(const std::vector<std::string>& topics) {
    FakeRules& next = other_rules();
    for (const std::string& topic : topics) {
      next.is_withdrawn[topic] = true;
    }
    return next;
  }
  std::size_t told_of_withdrawals() const {
    std::istringstream in(reactors_[0]->client(0)->stream);
    std::size_t count = 0;
    for (std::string line; std::getline(in, line);) {
      count += line[0] == 'W' ? 1U : 0U;
    }
    return count;
  }

  std::vector<std::string> topics_;
  std::deque<FakeRules> made_;
};

TEST_F(Reload, LooksAtSomeTopicsAndSubscriptionsInEachTurn) {
  start_with_many();
  hub().set_rules(without(topics_));
  EXPECT_TRUE(hub().is_reloading());
  std::uint64_t before = hub().subscription_count();
  EXPECT_EQ(before, kMany) << "the topics come first";
  int turns = 1;
  for (; hub().judge_some(); ++turns) {
    EXPECT_LE(before - hub().subscription_count(), kATurn);
    before = hub().subscription_count();
  }
  EXPECT_LE(before, kATurn);
  EXPECT_EQ(hub().subscription_count(), 0U);
  EXPECT_GE(turns, static_cast<int>(2 * kMany / kATurn));
  EXPECT_LE(turns, static_cast<int>(2 * kMany / kATurn) + 2) << "the bound of a reload";
  EXPECT_FALSE(hub().is_reloading());
  EXPECT_FALSE(hub().judge_some());
  rest();
  EXPECT_EQ(told_of_withdrawals(), kMany);
}

TEST_F(Reload, OfFewIsOverAtOnce) {
  start(1);
  connect(0);
  subscribe(0, topic_at(0));
  rest();
  hub().set_rules(without({"home0"}));
  EXPECT_FALSE(hub().is_reloading());
  EXPECT_EQ(hub().subscription_count(), 0U);
}

TEST_F(Reload, APublishMeetsTheNewRulesBeforeItsTopicIsLookedAt) {
  start_with_many();
  FakeRules& next = other_rules();
  next.rules.erase(topics_.back());
  next.rules[topics_[kMany - 2]].history.messages = 1;
  hub().set_rules(next);
  ASSERT_TRUE(hub().is_reloading());
  publish(topics_.back(), "refused");
  EXPECT_EQ(answer<HubError>(0), HubError::kForbidden);
  publish(topics_[kMany - 2], "1");
  publish(topics_[kMany - 2], "2");
  rest();
  hub().history(topics_[kMany - 2], {.kind = After::Kind::kFirst}, 10, at(0).reply_to(3));
  EXPECT_EQ(answer<HistoryReply>(3).messages.size(), 1U);
  hub().set_rules(rules_);  // The old ones again, before all is done.
  publish(topics_.back(), "taken");
  EXPECT_NO_THROW(answer<PublishedReply>(4));
  rest();
}

TEST_F(Reload, TheTopicThatWasPublishedToLastMeetsThemToo) {
  start_with_many();
  FakeRules& next = other_rules();
  next.rules.erase(topics_.back());
  publish(topics_.back(), "taken");
  EXPECT_NO_THROW(answer<PublishedReply>(0));
  hub().set_rules(next);
  ASSERT_TRUE(hub().is_reloading());
  publish(topics_.back(), "refused");
  EXPECT_EQ(answer<HubError>(1), HubError::kForbidden);
  rest();
}

TEST_F(Reload, ASubscriberMeetsTheNewRulesBeforeItsTopicIsLookedAt) {
  start_with_many();
  FakeRules& next = other_rules();
  next.rules.erase(topics_.back());
  hub().set_rules(next);
  ASSERT_TRUE(hub().is_reloading());
  connect(1);
  EXPECT_EQ(hub().subscribe({5, 1}, topics_.back(), {}).error(), HubError::kForbidden);
}

TEST_F(Reload, ThatComesWhileAnotherIsUnderWayIsTheOneThatCounts) {
  start_with_many();
  hub().set_rules(without(topics_));
  hub().judge_some();
  ASSERT_EQ(hub().subscription_count(), kMany);
  hub().set_rules(without({topics_.front(), topics_.back()}));
  rest();
  EXPECT_EQ(hub().subscription_count(), kMany - 2);
  EXPECT_EQ(told_of_withdrawals(), 2U);
  EXPECT_FALSE(hub().is_reloading());
  EXPECT_EQ(shared_.reloading.load(), 0U);
}

TEST_F(Reload, DoesNotMistakeATopicForTheOneThatWasInItsPlace) {
  start_with_many();
  const std::string gone = topics_.front();
  const std::string another = topic_at(0);
  at(0).unsubscribe(0, gone);
  rest();
  hub().set_rules(without({gone}));
  ASSERT_TRUE(hub().is_reloading()) << "its place has been judged, and nothing is through";
  const std::uint32_t places = hub().topic_slots();
  now_ += 2 * Hub::kLinger;
  hub().set_now(now_);
  for (int i = 0; i < 200; ++i) {
    hub().sweep();
  }
  connect(1);
  subscribe(1, another);
  ASSERT_EQ(hub().topic_slots(), places) << "it has the place of the one that is gone";
  rest();
  EXPECT_FALSE(hub().is_reloading());
  EXPECT_TRUE(hub().is_subscribed(1, another));
}

TEST_F(Reload, ThatBeginsToKeepPresenceTellsEverybodyOfEverybody) {
  start_with_many(2, PresenceRole::kWatcher);
  come(1, "bob", 1);
  enter(1, topics_.back(), 1);
  rest();
  EXPECT_EQ(told(*at(1).client(1)), "");
  for (const std::string& topic : topics_) {
    rule(topic).presence = config::Presence::kOn;
  }
  hub(1).set_rules(rules_);  // It has one topic, and is through at once.
  EXPECT_FALSE(hub(1).is_reloading());
  rest();
  hub(0).set_rules(rules_);
  ASSERT_TRUE(hub(0).is_reloading());
  now_ += 2 * kCountInterval;  // However long it takes.
  at(1).turn(now_, kAll, kAll);
  rest();
  now_ += kCountInterval;
  rest();
  const std::string heard = told(*at(1).client(1));
  EXPECT_TRUE(heard == " +ann +bob" || heard == " +bob +ann") << heard;
  EXPECT_EQ(members(topics_.front()).count, 1U);
  EXPECT_EQ(members(topics_.back()).count, 2U);
}

TEST_F(Reload, IsOverForTheOthersWhenAHubEndsInTheMiddle) {
  start_with_many();
  hub().set_rules(rules_);
  EXPECT_EQ(shared_.reloading.load(), 1U);
  reactors_.clear();
  EXPECT_EQ(shared_.reloading.load(), 0U);
}

}  // namespace
}  // namespace wspush::hub::test
