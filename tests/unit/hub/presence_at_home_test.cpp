#include "unit/hub/presence_rig.hpp"

namespace wspush::hub::test {
namespace {

using config::Presence;
using std::chrono::milliseconds;
using std::chrono::seconds;
using PresenceTest = PresenceRig;

TEST_F(PresenceTest, AMemberIsThereFromItsFirstConnectionToItsLast) {
  start(2);
  const std::string room = room_at(1);
  const Client& watcher = come(0, "w");
  enter(0, room);
  rest();
  come(1, "u", 0);
  come(2, "u", 1);
  enter(1, room, 0);
  enter(2, room, 1);
  rest();
  EXPECT_EQ(told(watcher), " +w +u");
  EXPECT_EQ(members(room).count, 2U);
  EXPECT_EQ(members(room).members,
            R"({"user":"w","info":null,"connections":1},{"user":"u","info":null,"connections":2})");
  at(0).disconnect(1);
  rest();
  EXPECT_EQ(told(watcher), " +w +u");
  at(1).unsubscribe(2, room);
  rest();
  EXPECT_EQ(told(watcher), " +w +u -u");
  EXPECT_EQ(members(room, 1).count, 1U);
  EXPECT_EQ(hub(1).home_member_count(), 1U);
}

TEST_F(PresenceTest, WhoComesBackBeforeTheOldConnectionIsGoneWasNeverAway) {
  start(2);
  const std::string room = room_at(0);
  const Client& watcher = come(0, "w");
  enter(0, room);
  come(1, "u", 1);
  enter(1, room, 1);
  rest();
  come(2, "u", 1);
  enter(2, room, 1);
  rest();
  at(1).disconnect(1);
  rest();
  EXPECT_EQ(told(watcher), " +w +u");
  EXPECT_EQ(members(room).count, 2U);
}

TEST_F(PresenceTest, WhoComesAndGoesWithinATurnIsNotTold) {
  start(1);
  const std::string room = room_at(0);
  const Client& watcher = come(0, "w");
  enter(0, room);
  come(1, "u");
  rest();
  enter(1, room);
  at(0).unsubscribe(1, room);
  rest();
  EXPECT_EQ(told(watcher), " +w");
  EXPECT_EQ(members(room).count, 1U);
}

// In one turn: mail, then commands, then the flush.
TEST_F(PresenceTest, WhoWatchesAgainBeforeTheFlushOfWhatCameIsToldWhatFollows) {
  start(2);
  const std::string room = room_at(0);
  const Client& watcher = come(0, "", 1);
  enter(0, room, 1);
  rest();
  for (const bool has_more_mail : {false, true}) {
    const std::string user = has_more_mail ? "b" : "a";
    const std::uint32_t slot = has_more_mail ? 2 : 1;
    const std::string before = told(watcher);
    const auto take_mail = [&] {
      turn(kAll, 0);
      for (auto& mail = post_->queue(0, 1); !mail.empty(); mail.pop_front()) {
        hub(1).on_mail(std::move(mail.front()));
      }
    };
    come(slot, user);
    enter(slot, room);
    take_mail();
    at(1).unsubscribe(0, room);
    enter(0, room, 1);
    if (has_more_mail) {
      come(3, "c");
      enter(3, room);
      take_mail();
    }
    rest();
    come(4, "d" + user);
    enter(4, room);
    rest();
    EXPECT_EQ(told(watcher), before + (has_more_mail ? " +c +db" : " +da"));
    at(0).disconnect(4);
    rest();
  }
}

TEST_F(PresenceTest, OnlyUsersAreMembersAndOnlyWatchersAreTold) {
  start(2);
  const std::string room = room_at(0);
  const Client& anonymous = come(0, "", 1);
  const Client& reader = come(1, "reader", 1);
  const Client& poller = come(2, "poller", 1);
  enter(0, room, 1);
  enter(1, room, 1, PresenceRole::kMember);
  enter(2, room, 1, PresenceRole::kNone);
  come(3, "pattern", 1);
  subscribe(3, "*", 1, {.role = PresenceRole::kWatcher, .user = user_named("pattern")});
  rest();
  EXPECT_EQ(told(anonymous), " +reader");
  EXPECT_EQ(told(reader) + told(poller) + told(*at(1).client(3)), "");
  EXPECT_EQ(members(room, 1).members, R"({"user":"reader","info":null,"connections":1})");
  EXPECT_EQ(hub(1).subscriptions_of(0), 1U) << "its stream is none of its subscriptions";
  EXPECT_EQ(hub(1).subscription_count(), 4U);
}

TEST_F(PresenceTest, AStreamIsNoneOfATopicsSubscriptions) {
  start(1);
  const std::string room = room_at(0);
  come(0, "u");
  enter(0, room);
  rest();
  std::string topics;
  hub().for_each_topic_of(0, [&](ByteView topic) { topics += std::string(topic) + " "; });
  EXPECT_EQ(topics, room + " ");
  EXPECT_EQ(hub().home_topic_count(), 1U);
}

TEST_F(PresenceTest, AUserThatIsKnownLaterIsAMemberFromThenOn) {
  start(2);
  const std::string room = room_at(1);
  Client& client = come(0, "");
  enter(0, room);
  rest();
  EXPECT_EQ(members(room).count, 0U);
  client.user = user_named("u", "1");
  hub().set_user(0, client.user);
  rest();
  EXPECT_EQ(told(client), " +u");
  hub().set_user(0, user_named("u", "2"));  // A newer token: no news but to those who ask.
  rest();
  EXPECT_EQ(told(client), " +u");
  EXPECT_EQ(members(room).members, R"({"user":"u","info":2,"connections":1})");
}

TEST_F(PresenceTest, MembersThatADeadConnectionLeavesGoFromAllItsTopics) {
  start(2);
  const std::string here = room_at(0);
  const std::string there = room_at(1);
  come(0, "u");
  enter(0, here);
  rest();
  enter(0, there);
  rest();
  EXPECT_EQ(hub(0).home_member_count() + hub(1).home_member_count(), 2U);
  at(0).disconnect(0);
  rest();
  EXPECT_EQ(members(here).count + members(there).count, 0U);
  EXPECT_EQ(hub(0).home_member_count() + hub(1).home_member_count(), 0U);
}

TEST_F(PresenceTest, NothingIsLeftOfATopicThatEverybodyHasLeft) {
  start(2);
  const std::string room = room_at(1);
  rule(room).history.messages = 0;
  come(0, "u");
  enter(0, room);
  rest();
  at(0).disconnect(0);
  rest();
  for (int round = 0; round < 2; ++round) {
    now_ += Hub::kLinger;
    rest();
    for (int i = 0; i < 101; ++i) {
      hub(0).sweep();
      hub(1).sweep();
    }
    rest();
  }
  EXPECT_EQ(shared_.topics.load(), 0U);
  EXPECT_EQ(hub(0).subscription_count(), 0U);
  // And it begins again.
  const Client& client = come(1, "v");
  enter(1, room);
  rest();
  EXPECT_EQ(told(client), " +v");
}

TEST_F(PresenceTest, AWatcherThatComesBackToAStreamThatLingersIsTold) {
  start(2);
  const std::string room = room_at(1);
  for (int round = 0; round < 3; ++round) {
    const Client& client = come(0, "u");
    enter(0, room);
    rest();
    EXPECT_EQ(told(client), " +u");
    at(0).disconnect(0);
    rest();
  }
}

TEST_F(PresenceTest, ANumberIsToldOnceASecondAndOnlyWhereItIsAnother) {
  start(2);
  const std::string room = room_at(1, Presence::kCount);
  const Client& first = come(0, "a");
  enter(0, room);
  rest();
  EXPECT_EQ(told(first), " #1") << "at once where nothing was told before";
  for (const char* name : {"b", "c", "d"}) {
    const auto slot = static_cast<std::uint32_t>(1 + name[0] - 'b');
    come(slot, name);
    enter(slot, room);
    rest();
  }
  EXPECT_EQ(told(first), " #1");
  EXPECT_EQ(told(*at(0).client(3)), " #1") << "the newest that is known, at once";
  now_ += milliseconds(999);
  rest();
  EXPECT_EQ(told(first), " #1");
  EXPECT_LE(hub(1).next_flush(), now_ + milliseconds(1));
  now_ += milliseconds(1);
  rest();
  EXPECT_EQ(told(first), " #1 #4");
  at(0).unsubscribe(3, room);
  enter(3, room);
  rest();
  now_ += seconds(5);
  rest();
  EXPECT_EQ(told(first), " #1 #4") << "the same number";
  const MembersReply answer = members(room);
  EXPECT_TRUE(answer.is_count_only);
  EXPECT_EQ(answer.count, 4U);
  EXPECT_EQ(answer.members, "");
}

TEST_F(PresenceTest, ANewReactorIsToldTheNumberThoughItIsTheSame) {
  start(2);
  const std::string room = room_at(1, Presence::kCount);
  const Client& first = come(0, "a");
  enter(0, room);
  rest();
  const Client& other = come(0, "", 1);
  enter(0, room, 1);
  rest();
  EXPECT_EQ(told(other), "") << "not yet: a second has not passed";
  now_ += seconds(1);
  rest();
  EXPECT_EQ(told(other), " #1");
  EXPECT_EQ(told(first), " #1");
}

TEST_F(PresenceTest, AReloadTurnsPresenceOnAndOffAndIntoANumber) {
  start(2);
  const std::string room = room_at(1, Presence::kOff);
  const Client& u = come(0, "u");
  const Client& v = come(0, "v", 1);
  enter(0, room, 0);
  enter(0, room, 1, PresenceRole::kMember);
  rest();
  EXPECT_EQ(told(u), "");
  EXPECT_EQ(members(room).count, 0U);

  rule(room).presence = Presence::kOn;
  reload();
  EXPECT_EQ(members(room).count, 2U);
  EXPECT_TRUE(told(u) == " +u +v" || told(u) == " +v +u") << told(u);

  const std::size_t before = told(u).size();
  rule(room).presence = Presence::kCount;
  reload();
  EXPECT_EQ(told(u).substr(before), " #2");

  rule(room).presence = Presence::kOn;
  reload();
  EXPECT_EQ(members(room).count, 2U);

  rule(room).presence = Presence::kOff;
  reload();
  EXPECT_EQ(members(room).count, 0U);
  const std::size_t off = told(u).size();
  come(1, "w");
  enter(1, room);
  rest();
  EXPECT_EQ(told(u).size(), off);
  EXPECT_EQ(told(v), "");
  EXPECT_EQ(hub(0).home_member_count() + hub(1).home_member_count(), 0U);
}

TEST_F(PresenceTest, AWithdrawnRightEndsTheMembership) {
  start(2);
  const std::string room = room_at(1);
  const std::string other = room_at(0);
  come(0, "u");
  enter(0, room);
  rest();
  rules_.is_withdrawn[room] = true;
  reload();
  EXPECT_EQ(members(room).count, 0U);
  EXPECT_EQ(hub(0).subscriptions_of(0), 0U);
  EXPECT_EQ(members(other).count, 0U);
}

TEST_F(PresenceTest, AWatcherThatFallsTooFarBehindIsClosed) {
  start(1);
  const std::string room = room_at(0);
  Client& slow = come(0, "slow", 0, Reader::kFlaky);
  enter(0, room);
  rest();
  slow.is_full = true;
  come(1, "u");
  // Each of them is told by a letter of its own, so that both stay in the stream.
  for (std::uint64_t i = 0; i < kStreamEventsMax; i += 2) {
    enter(1, room);
    rest();
    at(0).unsubscribe(1, room);
    rest();
  }
  EXPECT_EQ(hub().counters().presence_limit_hits, 0U);
  enter(1, room);
  rest();
  at(0).unsubscribe(1, room);
  rest();
  at(0).set_calm(true);
  at(0).unblock(0);
  rest();
  EXPECT_EQ(hub().counters().presence_limit_hits, 1U);
  EXPECT_TRUE(told(slow).ends_with(" X")) << told(slow).substr(0, 100);
  EXPECT_EQ(members(room).count, 0U) << "what closes leaves";
}

// --- many members, by counting

/// Counts what is sent, and takes everything.
class CountingReactor final : public Post, public MemberSender, public SubscriberEvents {
 public:
  CountingReactor() : engine_(1, record_) {
    rules_.rules["room"].match = "room";
    rules_.rules["room"].presence = Presence::kOn;
    std::array<Encode, kWireFormCount> encode;
    encode.fill([this](ByteView, const Message&) {
      ++encoded;
      auto form = std::make_unique<WireBytes>();
      form->prefix = "x";
      return form;
    });
    hub =
        std::make_unique<Hub>(HubOptions{.reactor = 0, .reactors = 1, .encode = encode, .seed = 1},
                              shared_, engine_, *this, *this, *this);
    hub->set_now(TimePoint(seconds(1000)));
    hub->set_rules(rules_);
    const std::string room = "room";
    EXPECT_TRUE(hub->prepare({&room, 1}, false, {}));
  }
  void enter(std::uint32_t slot) {
    EXPECT_TRUE(hub->subscribe(
        {static_cast<std::int32_t>(slot), slot}, "room",
        {.role = PresenceRole::kWatcher, .user = user_named("user-" + std::to_string(slot))}));
  }
  /// Turns until nothing is left to be sent; returns the most that one of them encoded.
  std::uint64_t flush_all() {
    std::uint64_t most = 0;
    for (bool has_more = true; has_more;) {
      const std::uint64_t before = encoded;
      has_more = hub->flush(4096);
      most = std::max(most, encoded - before);
    }
    return most;
  }

  void send(std::uint16_t, HubMail) override { FAIL() << "there is one reactor"; }
  void send(std::span<const Member> members, std::span<const iovec>, std::size_t,
            std::vector<ShortSend>&) override {
    sends += members.size();
  }
  void on_reply(const ReplyTo&, Reply&&) override {}
  bool on_gap(std::uint32_t, WireForm, const Gap&) override { return true; }
  void on_too_slow(std::uint32_t) override { FAIL(); }
  void on_behind(std::uint32_t) override { FAIL() << "everybody takes everything"; }
  void on_leaving(std::uint32_t) override {}
  void on_cut(std::uint32_t, const MessageRef&, WireForm, std::size_t) override { FAIL(); }
  void on_send_error(std::uint32_t, int) override { FAIL(); }
  void on_withdrawn(std::uint32_t, WireForm, ByteView) override {}

  std::uint64_t encoded = 0;
  std::uint64_t sends = 0;
  std::unique_ptr<Hub> hub;

 private:
  Record record_;
  FakeRules rules_;
  HubShared shared_;
  RecordingEngine engine_;
};

TEST(PresenceOfFiftyThousand, AChangeIsEncodedOnceAndSentOnceToEach) {
  constexpr std::uint32_t kMembers = 50'000;
  CountingReactor reactor;
  for (std::uint32_t slot = 0; slot < kMembers; ++slot) {
    reactor.enter(slot);
  }
  reactor.flush_all();
  EXPECT_EQ(reactor.encoded, kMembers);
  EXPECT_EQ(reactor.hub->home_member_count(), kMembers);
  for (int i = 0; i < 3; ++i) {
    reactor.encoded = reactor.sends = 0;
    reactor.enter(kMembers);
    reactor.flush_all();
    EXPECT_EQ(reactor.encoded, 1U);
    EXPECT_EQ(reactor.sends, kMembers + 1);
    reactor.encoded = reactor.sends = 0;
    reactor.hub->remove_subscriber(kMembers);
    reactor.flush_all();
    EXPECT_EQ(reactor.encoded, 1U);
    EXPECT_EQ(reactor.sends, kMembers);
  }
}

// All connections of a reactor end in one turn: the table is right at once, and what is told of it
// comes in letters that one turn has done with.
TEST(PresenceOfFiftyThousand, AMassLeaveIsBoundedInEachTurn) {
  constexpr std::uint32_t kMembers = 50'000;
  constexpr std::uint32_t kStay = 1'000;
  CountingReactor reactor;
  for (std::uint32_t slot = 0; slot < kMembers; ++slot) {
    reactor.enter(slot);
  }
  reactor.flush_all();
  reactor.encoded = reactor.sends = 0;
  for (std::uint32_t slot = kStay; slot < kMembers; ++slot) {
    reactor.hub->remove_subscriber(slot);
  }
  EXPECT_EQ(reactor.hub->home_member_count(), kStay);
  EXPECT_LE(reactor.flush_all(), kEventsPerTurn);
  EXPECT_EQ(reactor.encoded, kMembers - kStay);
  EXPECT_LE(reactor.sends, kStay * ((kMembers - kStay) / kEventsPerLetter + 1))
      << "many leaves, one send";
  // Those who left and are back before anybody was told were not away: nothing is sent.
  reactor.encoded = 0;
  for (std::uint32_t slot = 0; slot < kStay; ++slot) {
    reactor.hub->remove_subscriber(slot);
    reactor.enter(slot);
  }
  reactor.flush_all();
  EXPECT_EQ(reactor.encoded, 0U);
}

}  // namespace
}  // namespace wspush::hub::test
