// Each thing that a hub does with presence, receipts, subscriptions and publishes, with each of its
// allocations failing once: what was at hand fails, everybody else is served, nothing leaks.
#include <functional>
#include <map>
#include <new>

#include "unit/failing_allocations.hpp"
#include "unit/hub/presence_rig.hpp"
#include "unit/hub/with_each_failing.hpp"

namespace wspush::hub::test {
namespace {

using wspush::test::SafeAllocations;

/// Too long for the room inside a string, as everything may be that comes from outside.
const std::string kAnn = "ann, who has a name that is longer than any string keeps inside";
const std::string kBob = "bob, who has a name that is longer than any string keeps inside";
const std::string kCis = "cis, who has a name that is longer than any string keeps inside";

/// Two reactors, or one: ann watches in the first, bob at the topic's home, which is the last.
/// Slots 2 and above of the first are free.
class World final : public PresenceRig {
 public:
  explicit World(std::uint16_t reactors, config::Presence kind = config::Presence::kOn) {
    start(reactors);
    last = reactors - std::size_t{1};
    topic = room_at(last, kind);
    come(0, kAnn);
    enter(0, topic);
    come(1, kBob, last);
    enter(1, topic, last);
    rest();
    now_ += 2 * kCountInterval;
    rest();
  }
  void TestBody() override {}

  using PresenceRig::at;
  using PresenceRig::come;
  using PresenceRig::enter;
  using PresenceRig::guarded;
  using PresenceRig::hub;
  using PresenceRig::payloads;
  using PresenceRig::rest;
  using PresenceRig::rest_in_need;
  using PresenceRig::rule;
  using PresenceRig::told;

  void rest_for(Duration time) {
    rest();
    now_ += time;
    rest();
  }
  void ask(const std::string& payload, bool wants_receipt) {
    ReplyTo to;
    {
      const SafeAllocations safe;
      answers_.emplace_back(GatheredReply{});
      to = at(0).reply_to(static_cast<std::uint32_t>(answers_.size() - 1));
      to.wants_receipt = wants_receipt;
    }
    hub(0).publish(topic, Message::create(PayloadKind::kText, payload, {}), {}, to);
  }
  /// {user: connections}, as whoever asks is answered.
  std::map<std::string, int> listed() {
    std::map<std::string, int> found;
    std::istringstream in(members(topic).members);
    for (std::string part; std::getline(in, part, '{');) {
      const std::size_t connections = part.find("\"connections\":");
      if (connections != std::string::npos) {
        found[part.substr(8, part.find('"', 8) - 8)] = std::stoi(part.substr(connections + 14));
      }
    }
    return found;
  }
  /// How many there are.
  std::uint64_t number() { return members(topic).count; }
  /// It has not been ended: not by its guard, nor as one who has missed a join or a leave.
  bool has(std::size_t reactor, std::uint32_t slot) {
    const Client* const client = at(reactor).client(slot);
    return client != nullptr && !client->is_dead && !client->is_closing;
  }
  /// What `listed` has to be.
  std::map<std::string, int> there() {
    std::map<std::string, int> found;
    for (const auto& [reactor, slot, name] :
         {std::tuple{std::size_t{0}, 0U, kAnn}, {last, 1U, kBob}, {std::size_t{0}, 2U, kCis}}) {
      if (has(reactor, slot)) {
        found[name] = 1;
      }
    }
    return found;
  }

  std::size_t last = 0;
  std::string topic;
};

class OutOfMemory : public testing::TestWithParam<std::uint16_t> {
 protected:
  static std::function<std::unique_ptr<World>()> rooms(
      config::Presence kind = config::Presence::kOn) {
    return [kind] { return std::make_unique<World>(GetParam(), kind); };
  }
  /// cis is a member too, behind the first reactor.
  static std::unique_ptr<World> room_with_cis() {
    auto world = rooms()();
    world->come(2, kCis);
    world->enter(2, world->topic);
    world->rest();
    return world;
  }
  /// The two who were there get a message, and hear of who comes and goes now.
  static void expect_served(World& world) {
    world.ask("after it", true);
    world.rest();
    for (const auto& [reactor, slot] : {std::pair{std::size_t{0}, 0U}, {world.last, 1U}}) {
      if (!world.has(reactor, slot)) {
        EXPECT_TRUE(world.told(*world.at(reactor).client(slot)).ends_with(" X"));
        continue;  // It knows that it has to come again.
      }
      const Client& client = *world.at(reactor).client(slot);
      const std::string got = world.payloads(client);
      EXPECT_TRUE(got.ends_with("it")) << got;
      world.come(7, "dan");
      world.enter(7, world.topic);
      world.rest();
      EXPECT_TRUE(world.told(client).ends_with(" +dan")) << slot << world.told(client);
      world.at(0).disconnect(7);
      world.rest();
      EXPECT_TRUE(world.told(client).ends_with(" -dan")) << world.told(client);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(, OutOfMemory, testing::Values(1, 2),
                         [](const auto& each) { return std::to_string(each.param); });

TEST_P(OutOfMemory, WhoSubscribesIsSubscribedOrEndsAndLeavesNoTrace) {
  with_each_failing(
      rooms(),
      [](World& world) {
        {
          const SafeAllocations safe;
          world.come(2, kCis);
        }
        world.guarded(2, [&] { world.enter(2, world.topic); });
        world.rest_in_need();
      },
      [](World& world) {
        if (world.has(0, 2)) {
          world.at(0).disconnect(2);
          world.rest();
        }
        EXPECT_EQ(world.listed(), world.there());
        expect_served(world);
      });
}

TEST_P(OutOfMemory, WhoGoesIsNoMemberAnyMore) {
  with_each_failing(
      room_with_cis,
      [](World& world) {
        world.at(0).disconnect(2);
        world.rest_in_need();
      },
      [](World& world) {
        EXPECT_EQ(world.listed(), world.there());
        expect_served(world);
      });
}

TEST_P(OutOfMemory, WhoUnsubscribesIsNoMemberAnyMore) {
  with_each_failing(
      room_with_cis,
      [](World& world) {
        world.guarded(2, [&] { world.at(0).unsubscribe(2, world.topic); });
        world.rest_in_need();
      },
      [](World& world) {
        const std::map<std::string, int> listed = world.listed();
        EXPECT_FALSE(listed.contains(kCis));
        if (world.has(0, 2)) {
          world.at(0).disconnect(2);
          world.rest();
        }
        EXPECT_EQ(listed, world.there());
        expect_served(world);
      });
}

TEST_P(OutOfMemory, ANewTokenIsShownOrItsConnectionEnds) {
  with_each_failing(
      rooms(),
      [](World& world) {
        PresentUser user;
        {
          const SafeAllocations safe;
          world.come(2, kCis);
          world.enter(2, world.topic);
          world.rest();
          user = user_named(kCis, "\"somebody else from now on, and at length\"");
        }
        world.guarded(2, [&] { world.hub(0).set_user(2, user); });
        world.rest_in_need();
      },
      [](World& world) {
        if (world.has(0, 2)) {
          EXPECT_EQ(world.listed(), world.there());
          world.at(0).disconnect(2);
          world.rest();
        }
        EXPECT_EQ(world.listed(), world.there());
        expect_served(world);
      });
}

TEST_P(OutOfMemory, APublishWithAReceiptLeavesEverybodyServed) {
  with_each_failing(
      rooms(),
      [](World& world) {
        try {
          world.ask("the message that memory runs out for", true);
        } catch (const std::bad_alloc&) {
        }
        world.rest_in_need();
      },
      [](World& world) {
        EXPECT_EQ(world.listed(), world.there());
        expect_served(world);
      });
}

TEST_P(OutOfMemory, ANumberIsToldAgain) {
  with_each_failing(
      rooms(config::Presence::kCount),
      [](World& world) {
        {
          const SafeAllocations safe;
          world.come(2, kCis);
        }
        world.guarded(2, [&] { world.enter(2, world.topic); });
        world.rest_in_need();
      },
      [](World& world) {
        EXPECT_GE(world.number(), 2U);
        EXPECT_LE(world.number(), world.there().size());
        world.rest_for(2 * kCountInterval);
        for (const auto& [reactor, slot] : {std::pair{std::size_t{0}, 0U}, {world.last, 1U}}) {
          const std::string told = world.told(*world.at(reactor).client(slot));
          EXPECT_TRUE(told.ends_with(" #" + std::to_string(world.number()))) << told;
        }
      });
}

}  // namespace
}  // namespace wspush::hub::test
