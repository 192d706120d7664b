#include "door/raw_session.hpp"

#include <gmock/gmock.h>

#include "unit/door/session_rig.hpp"

namespace wspush::door::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using websocket::Opcode;

class Raw : public SessionRig {
 protected:
  void open(const std::string& topic, hub::After after = {}) {
    start();
    ASSERT_TRUE(hubs_[0]->prepare({&topic, 1}, false, {}));
    for (int i = 1; i <= published_before_; ++i) {
      hubs_[0]->publish(topic, hub::Message::create(hub::PayloadKind::kText, std::to_string(i)), {},
                        {});
    }
    auto session = std::make_unique<RawSession>(connection_, *context_);
    RawSession* const raw = session.get();
    session_ = std::move(session);
    const auto subscribed = hubs_[0]->subscribe(connection_.member(), topic,
                                                {.after = after, .form = hub::WireForm::kRaw});
    ASSERT_TRUE(subscribed);
    raw->open(subscribed->recovered);
    rest();
  }

  int published_before_ = 0;
};

TEST_F(Raw, PublishesWhatTheClientSaysAndDeliversItAsItWas) {
  open("open.a");
  input(frame(Opcode::kText, R"({"op":"ping"})"));
  input(frame(Opcode::kBinary, ByteView("\0\xff", 2)));
  rest();
  const auto frames = connection_.take_frames();
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].opcode, 1);
  EXPECT_EQ(frames[0].payload, R"({"op":"ping"})");
  EXPECT_EQ(frames[1].opcode, 2);
  EXPECT_EQ(frames[1].payload, ByteView("\0\xff", 2));
}

TEST_F(Raw, StartsWithWhatIsKeptWhereItIsAskedFor) {
  published_before_ = 2;
  open("open.a", {.kind = hub::After::Kind::kFirst, .id = {}});
  EXPECT_THAT(answers(), ElementsAre("1", "2"));
}

TEST_F(Raw, AHoleEndsIt) {
  published_before_ = 2;
  open("open.a", {.kind = hub::After::Kind::kId, .id = {0, 1}});
  EXPECT_THAT(answers(), ElementsAre("close 4007"));
}

TEST_F(Raw, ANewEpochEndsIt) {
  open("open.a");
  hubs_[0]->clear("open.a", {});
  rest();
  EXPECT_THAT(answers(), ElementsAre("close 4007"));
}

TEST_F(Raw, ClosesWhoMayNotPublish) {
  open("read");
  input(frame(Opcode::kText, "x"));
  rest();
  EXPECT_THAT(answers(), ElementsAre("close 1008"));
}

TEST_F(Raw, ASubscriberMayPublishWhereSubscribersMay) {
  open("own.a");
  input(frame(Opcode::kText, "x"));
  rest();
  EXPECT_THAT(answers(), ElementsAre("x"));
}

TEST_F(Raw, BoundsWhatIsPublished) {
  config_->topics[0].message_bytes = 3;
  open("open.a");
  input(frame(Opcode::kText, "123"));
  rest();
  EXPECT_THAT(answers(), ElementsAre("123"));
  input(frame(Opcode::kText, "1234"));
  rest();
  EXPECT_THAT(answers(), ElementsAre("close 1009"));
  EXPECT_EQ(limit_hits(metrics::Limit::kRuleMessageBytes), 1U);
}

TEST_F(Raw, BoundsTheRate) {
  config_->limits.commands_per_second = 1;
  config_->limits.subscriptions_per_connection = 1;  // burst: 101
  open("open.a");
  for (int i = 0; i < 101; ++i) {
    input(frame(Opcode::kText, "x"));
  }
  rest();
  EXPECT_EQ(answers().size(), 101U);
  input(frame(Opcode::kText, "x"));
  EXPECT_THAT(answers(), ElementsAre("close 1008"));
}

TEST_F(Raw, AWithdrawnRightEndsIt) {
  open("open.a");
  config_->topics[0].subscribe = config::Permission::kNobody;
  hubs_[0]->set_rules(*rules_);
  EXPECT_THAT(answers(), ElementsAre("close 1008"));
  EXPECT_THAT(answers(), IsEmpty());
}

TEST_F(Raw, WithoutItsSubscriptionItPublishesNothingAndEnds) {
  open("open.a");
  hubs_[0]->remove_subscriber(connection_.handle().slot);  // It has not been told.
  input(frame(Opcode::kText, "x"));
  EXPECT_THAT(answers(), ElementsAre("close 1008"));
  EXPECT_EQ(hubs_[0]->counters().published, 0U);
}

}  // namespace
}  // namespace wspush::door::test
