// Topics that nobody has opened yet, where memory runs out on the way of their logs, or letters get
// lost: nobody waits for ever, and what is lost is told.
#include "unit/hub/hub_rig.hpp"
#include "unit/hub/with_each_failing.hpp"

namespace wspush::hub::test {
namespace {

using std::chrono::seconds;
using wspush::test::SafeAllocations;

/// Its topic is at home in the last reactor; its clients are in the first.
class World final : public HubRig {
 public:
  explicit World(std::uint16_t reactors) {
    start(reactors);
    last = reactors - std::size_t{1};
    topic = topic_at(last);
  }
  void TestBody() override {}

  using HubRig::answers_;
  using HubRig::at;
  using HubRig::connect;
  using HubRig::guarded;
  using HubRig::hub;
  using HubRig::pass_with_sweeps;
  using HubRig::payloads;
  using HubRig::post_;
  using HubRig::publish;
  using HubRig::record_;
  using HubRig::rest;
  using HubRig::rest_in_need;
  using HubRig::rule;
  using HubRig::subscribe;
  using HubRig::sweep_all;

  /// There is memory again: so long that everything has been tried once more, and no wait goes on.
  void recover() {
    for (int i = 0; i < 5; ++i) {
      pass_with_sweeps(seconds(9));
    }
  }
  void come(std::uint32_t slot, const std::string& name, SubscribeOptions options = {}) {
    {
      const SafeAllocations safe;
      connect(slot);
    }
    guarded(slot, [&] { subscribe(slot, name, 0, std::move(options)); });
    rest_in_need();
  }
  void pass_without_sweeps(Duration time) {
    now_ += time;
    rest();
  }
  /// What is asked of the other reactor gets lost.
  void pass_without_mail(Duration time) {
    now_ += time;
    turn(kAll);
    sweep_all();
    post_->queue(0, 1).clear();
    turn(kAll);
  }
  void turn_of(std::size_t reactor) { turn(kAll, reactor); }
  bool has(std::uint32_t slot, std::size_t reactor = 0) {
    const Client* const client = at(reactor).client(slot);
    return client != nullptr && !client->is_dead && !client->is_closing;
  }
  /// Who is there is subscribed, as is whoever comes now; each gets a message once.
  void expect_served(const std::string& name, std::uint32_t slot) {
    come(slot + 1, name);
    recover();
    publish(topic, "after-it");
    rest();
    for (const std::uint32_t each : {slot, slot + 1}) {
      if (has(each)) {
        EXPECT_TRUE(hub().is_subscribed(each, name)) << each;
        const std::string got = payloads(*at(0).client(each));
        EXPECT_TRUE(got.ends_with(" after-it")) << each << got;
        EXPECT_EQ(got.find(" after-it"), got.rfind(" after-it")) << each << got;
      }
    }
    EXPECT_TRUE(has(slot + 1));
  }

  std::size_t last = 0;
  std::string topic;
  bool has_thrown = false;
};

class Opening : public testing::TestWithParam<std::uint16_t> {
 protected:
  static std::unique_ptr<World> make() { return std::make_unique<World>(GetParam()); }
  /// Somebody lives in the first reactor's slot 0 (and in the home's slot 1) and is subscribed.
  static std::unique_ptr<World> make_with_subscribers() {
    auto world = make();
    world->come(0, world->topic);
    world->connect(1, world->last);
    world->subscribe(1, world->topic, world->last);
    world->rest();
    return world;
  }
  /// A command of the first reactor for a topic that nobody has opened: answered, whatever happens,
  /// unless its own connection had to end.
  static void expect_answer(const std::function<void(World&, const ReplyTo&)>& command) {
    with_each_failing(
        make,
        [&](World& world) {
          ReplyTo to;
          {
            const SafeAllocations safe;
            world.answers_.emplace_back(GatheredReply{});
            to = world.at(0).reply_to(0);
          }
          try {
            command(world, to);
          } catch (const std::bad_alloc&) {
            world.has_thrown = true;
          }
          world.rest_in_need();
        },
        [](World& world) {
          EXPECT_TRUE(world.has_thrown ||
                      !std::holds_alternative<GatheredReply>(world.answers_.at(0)));
          world.expect_served(world.topic, 2);
        });
  }
};

INSTANTIATE_TEST_SUITE_P(, Opening, testing::Values(1, 2),
                         [](const auto& each) { return std::to_string(each.param); });

TEST_P(Opening, OfATopicBringsInWhoSubscribesHoweverOftenMemoryRunsOut) {
  with_each_failing(
      make, [](World& world) { world.come(2, world.topic); },
      [](World& world) {
        world.recover();
        world.expect_served(world.topic, 2);
      });
}

TEST_P(Opening, OfAFeedBringsInWhoSubscribesHoweverOftenMemoryRunsOut) {
  for (const std::string feed : {"*", "home0.nobody\n*"}) {
    with_each_failing(
        make, [&](World& world) { world.come(2, feed); },
        [&](World& world) {
          world.recover();
          world.expect_served(feed, 2);
        });
  }
}

TEST(OpeningOfAFeed, ThatClosesBringsInTheNextOne) {
  with_each_failing(
      [] {
        auto world = std::make_unique<World>(std::uint16_t{2});
        world->come(0, "*");
        world->at(0).disconnect(0);
        world->rest();
        return world;
      },
      [](World& world) { world.pass_with_sweeps(seconds(9)); },
      [](World& world) {
        EXPECT_EQ(world.hub().subscription_count(), 0U);
        world.expect_served("*", 2);
      });
}

TEST_P(Opening, OfATopicThatClosesBringsInTheNextOne) {
  with_each_failing(
      [] {
        auto world = make();
        world->rule(world->topic).history.messages = 0;
        world->come(0, "*");  // What closes is remembered for those.
        world->publish(world->topic, "before");
        world->at(0).disconnect(0);
        world->rest();
        return world;
      },
      [](World& world) { world.pass_with_sweeps(seconds(9)); },
      [](World& world) {
        world.expect_served(world.topic, 2);
        world.at(0).disconnect(3);
        world.recover();
        world.recover();
        EXPECT_EQ(world.hub(world.last).home_topic_count(), 0U);
      });
}

TEST_P(Opening, AnswersWhoPublishes) {
  expect_answer([](World& world, const ReplyTo& to) {
    world.hub().publish(world.topic, Message::create(PayloadKind::kText, "x"), {}, to);
  });
}

TEST_P(Opening, AnswersWhoPublishesWithAKey) {
  expect_answer([](World& world, const ReplyTo& to) {
    world.hub().publish(world.topic, Message::create(PayloadKind::kText, "x"), "key", to);
  });
}

TEST_P(Opening, AnswersWhoReadsTheHistory) {
  expect_answer(
      [](World& world, const ReplyTo& to) { world.hub().history(world.topic, {}, 100, to); });
}

TEST_P(Opening, AnswersWhoLooksAtTheTopic) {
  expect_answer([](World& world, const ReplyTo& to) { world.hub().view(world.topic, to); });
}

TEST_P(Opening, AnswersWhoClears) {
  expect_answer([](World& world, const ReplyTo& to) { world.hub().clear(world.topic, to); });
}

/// Without a next message by which they would see it.
TEST_P(Opening, WhatIsOrderedReachesEverybodyOrIsToldAsAGap) {
  with_each_failing(
      make_with_subscribers,
      [](World& world) {
        try {
          world.publish(world.topic, "lost", 0, {}, "a key that is too long to be kept inside");
        } catch (const std::bad_alloc&) {
        }
        world.rest_in_need();
      },
      [](World& world) {
        world.recover();
        if (world.record_.last[world.topic].offset > 0) {
          for (const auto& [slot, reactor] : {std::pair{0U, std::size_t{0}}, {1U, world.last}}) {
            if (world.has(slot, reactor)) {
              const std::string got = world.payloads(*world.at(reactor).client(slot));
              EXPECT_TRUE(got == " lost" || got == " G") << slot << got;
            }
          }
        }
        world.expect_served(world.topic, 2);
      });
}

TEST_P(Opening, WhatIsOrderedReachesFeedsOrTheirSubscribersComeAgain) {
  with_each_failing(
      [] {
        auto world = make();
        world->publish(world->topic, "first");
        world->come(0, "*");
        world->come(1, "home0.nobody\n*");
        return world;
      },
      [](World& world) {
        try {
          world.publish(world.topic, "lost");
        } catch (const std::bad_alloc&) {
        }
        world.rest_in_need();
      },
      [](World& world) {
        world.recover();
        if (world.record_.last[world.topic].offset > 1) {
          for (const std::uint32_t slot : {0U, 1U}) {
            if (world.has(slot)) {
              const std::string got = world.payloads(*world.at(0).client(slot));
              const std::string& stream = world.at(0).client(slot)->stream;
              EXPECT_TRUE(got.ends_with(" lost") || stream.find("H ") != std::string::npos)
                  << slot << stream;
            }
          }
        }
        world.expect_served("*", 2);
      });
}

TEST_P(Opening, AClearIsCarriedOutForEverybodyAfterAll) {
  with_each_failing(
      [] {
        auto world = make_with_subscribers();
        world->publish(world->topic, "before");
        world->rest();
        return world;
      },
      [](World& world) {
        try {
          world.hub().clear(world.topic, {});
        } catch (const std::bad_alloc&) {
        }
        world.rest_in_need();
      },
      [](World& world) {
        world.recover();
        if (world.record_.cleared.contains(world.topic)) {
          for (const auto& [slot, reactor] : {std::pair{0U, std::size_t{0}}, {1U, world.last}}) {
            if (world.has(slot, reactor)) {
              EXPECT_TRUE(world.payloads(*world.at(reactor).client(slot)).starts_with(" before G"));
            }
          }
        }
        world.expect_served(world.topic, 2);
      });
}

// --- letters that are lost, or come twice

TEST(OpeningOfAReplica, AsksAgainAndIsServedOnce) {
  World world(2);
  world.connect(0);
  world.subscribe(0, world.topic);
  world.post_->queue(0, 1).clear();  // The question is lost.
  world.pass_with_sweeps(seconds(2));
  EXPECT_TRUE(world.hub().is_subscribed(0, world.topic));
  world.expect_served(world.topic, 0);
}

TEST(OpeningOfAReplica, IsAskedForAgainByTheNextOneWhoWantsIt) {
  World world(2);
  world.connect(0);
  world.subscribe(0, world.topic);
  world.post_->queue(0, 1).clear();
  world.pass_without_sweeps(seconds(2));
  world.come(1, world.topic);
  EXPECT_TRUE(world.hub().is_subscribed(0, world.topic));
  EXPECT_TRUE(world.hub().is_subscribed(1, world.topic));
}

TEST(OpeningOfAReplica, ThatWasAskedForTwiceIsNoReplicaTwice) {
  World slow(2);
  slow.connect(0);
  slow.subscribe(0, slow.topic);
  std::deque<HubMail> late = std::move(slow.post_->queue(0, 1));
  slow.post_->queue(0, 1).clear();
  slow.pass_with_sweeps(seconds(2));  // It asks again, and is answered.
  for (HubMail& mail : late) {
    slow.post_->queue(0, 1).push_back(std::move(mail));
  }
  slow.rest();
  slow.expect_served(slow.topic, 0);
  slow.at(0).disconnect(0);
  slow.at(0).disconnect(1);
  slow.rule(slow.topic).history.ttl = std::chrono::milliseconds(1);
  slow.recover();
  EXPECT_EQ(slow.hub(1).home_topic_count(), 0U) << "its home still believes in a replica";
}

TEST(OpeningOfAReplica, ThatWasSentAwayMeanwhileIsGivenBack) {
  World world(2);
  world.hub(1).set_limits({.topics = 0});
  world.connect(0);
  world.subscribe(0, world.topic);
  const std::deque<HubMail> question = world.post_->queue(0, 1);
  world.rest();
  EXPECT_EQ(world.at(0).client(0)->refused, HubError::kTopicLimit);
  world.hub(1).set_limits({});
  world.post_->queue(0, 1).push_back(question.front());  // As if it had asked again before.
  world.rest();
  world.recover();
  EXPECT_EQ(world.hub(1).home_topic_count(), 0U);
}

TEST(OpeningOfAFeed, ThatWasAskedForTwiceIsRegisteredOnce) {
  World world(2);
  world.connect(0);
  world.subscribe(0, "*");
  world.post_->queue(0, 1).clear();
  world.pass_with_sweeps(seconds(2));
  EXPECT_TRUE(world.hub().is_subscribed(0, "*"));
  World slow(2);
  slow.connect(0);
  slow.subscribe(0, "*");
  slow.turn_of(1);
  std::deque<HubMail> late = std::move(slow.post_->queue(1, 0));
  slow.post_->queue(1, 0).clear();
  slow.pass_with_sweeps(seconds(2));
  for (HubMail& mail : late) {
    slow.post_->queue(1, 0).push_back(std::move(mail));
  }
  slow.rest();
  slow.expect_served("*", 0);
}

TEST(LongWaits, ForAFenceEndAndTheSubscriptionIsMade) {
  World world(2);
  world.come(0, world.topic);
  world.connect(1);
  world.subscribe(1, world.topic, 0, {}, true);
  world.post_->queue(0, 1).clear();
  world.rest();
  EXPECT_FALSE(world.hub().is_subscribed(1, world.topic));
  world.recover();
  EXPECT_TRUE(world.hub().is_subscribed(1, world.topic));
}

TEST(LongWaits, ForALogEndAsUnavailable) {
  World world(2);
  world.connect(0);
  world.subscribe(0, world.topic);
  for (int i = 0; i < 5; ++i) {
    world.post_->queue(0, 1).clear();
    world.pass_without_mail(seconds(9));
  }
  EXPECT_EQ(world.at(0).client(0)->refused, HubError::kUnavailable);
}

TEST(LongWaits, ForWhatAFeedHasMissedEndAsUnavailable) {
  World world(2);
  world.publish(world.topic, "missed");
  world.rest();
  world.come(0, "*");
  world.connect(1);
  world.subscribe(1, "*", 0, {.after = {.kind = After::Kind::kFirst}});
  world.post_->queue(0, 1).clear();
  world.recover();
  EXPECT_EQ(world.at(0).client(1)->refused, HubError::kUnavailable);
  world.expect_served("*", 2);
}

}  // namespace
}  // namespace wspush::hub::test
