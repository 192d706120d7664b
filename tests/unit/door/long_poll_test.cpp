#include "door/long_poll.hpp"

#include <gtest/gtest.h>

#include "unit/door/request_rig.hpp"

namespace wspush::door::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ParseWait, TakesSecondsWithOrWithoutAFraction) {
  const struct {
    ByteView text;
    Duration wait;
  } kRows[] = {{"0", seconds(0)},
               {"1", seconds(1)},
               {"25", seconds(25)},
               {"55", seconds(55)},
               {"56", seconds(55)},
               {"999999999", seconds(55)},
               {"007", seconds(7)},
               {"0.25", milliseconds(250)},
               {"1.5", milliseconds(1500)},
               {"0.0009", seconds(0)},
               {"54.999", milliseconds(54'999)},
               {"55.1", seconds(55)}};
  for (const auto& row : kRows) {
    EXPECT_EQ(parse_wait(row.text), row.wait) << row.text;
  }
}

TEST(ParseWait, RefusesAnythingElse) {
  for (const ByteView text : {"", "-1", "+1", "1.", ".5", ".", "1e3", "abc", "1s", " 1", "1 ",
                              "0x1", "nan", "1.2.3", "1,5", "9999999999", "0.1234567890"}) {
    EXPECT_EQ(parse_wait(text), std::nullopt) << text;
  }
}

class Poll : public RequestRig {
 protected:
  void SetUp() override { start(); }
  /// A position to start from.
  std::string position(const std::string& topic) {
    request("/topics/" + topic);
    EXPECT_EQ(status(), 204);
    return exchange_->header("Wspush-Last");
  }
  /// A topic at home in each of two reactors.
  std::pair<std::string, std::string> topics_of_two_homes() {
    request("/topics?topic=open.*");
    turn();
    std::string here;
    std::string there;
    for (const std::string topic : {"open.a", "open.b", "open.c", "open.d", "open.e", "open.f"}) {
      publish(topic, "0");
      turn();
      bool is_here = false;
      hubs_[0]->for_each_home_topic_in(0, hubs_[0]->topic_slots(),
                                       [&](ByteView name, auto&&...) { is_here |= name == topic; });
      (is_here ? here : there) = topic;
    }
    EXPECT_TRUE(!here.empty() && !there.empty());
    return {here, there};
  }
  std::string position_of_all() {
    request("/topics?topic=open.*");
    turn();
    EXPECT_EQ(status(), 204);
    return exchange_->header("Wspush-Last");
  }
  /// The position in the answer's body.
  std::string last_of_body() const {
    const std::string rest = body().substr(body().rfind(R"("last":")") + 8);
    return rest.substr(0, rest.find('"'));
  }
};

TEST_F(Poll, WithoutAPositionIsToldOneAtOnce) {
  publish("open.a", "before");
  const std::string last = position("open.a");
  EXPECT_TRUE(last.ends_with("-1")) << last;
  EXPECT_EQ(exchange_->header("Cache-Control"), "no-store");
  EXPECT_EQ(exchange_->door, DoorKind::kPoll);
  EXPECT_FALSE(connection_.holds_frames);
  EXPECT_EQ(hubs_[0]->subscription_count(), 0U);
}

TEST_F(Poll, IsAnsweredAtOnceWithWhatIsThere) {
  const std::string last = position("open.a");
  publish("open.a", "one");
  publish("open.a", R"({"n":2})", hub::PayloadKind::kJson);
  publish("open.a", ByteView("\0\xff", 2), hub::PayloadKind::kBinary);
  request("/topics/open.a?after=" + last);
  ASSERT_TRUE(is_answered());
  const std::string epoch = last.substr(0, 8);
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(exchange_->answer->content_type, "application/json");
  EXPECT_EQ(body(), R"({"messages":[{"topic":"open.a","id":")" + epoch +
                        R"(-1","data":"one"},{"topic":"open.a","id":")" + epoch +
                        R"(-2","data":{"n":2}},{"topic":"open.a","id":")" + epoch +
                        R"(-3","encoding":"base64","data":"AP8="}],"last":")" + epoch + R"(-3"})");
  EXPECT_EQ(hubs_[0]->subscription_count(), 0U);
}

TEST_F(Poll, WaitsForTheNextMessageAndTakesAllOfATurn) {
  const std::string last = position("open.a");
  request("/topics/open.a?after=" + last);
  EXPECT_FALSE(is_answered());
  EXPECT_TRUE(connection_.holds_frames);
  EXPECT_EQ(connection_.deadline(), now_ + seconds(25));
  EXPECT_EQ(hubs_[0]->subscription_count(), 1U);
  turn();
  EXPECT_FALSE(is_answered());
  publish("open.a", "one");
  publish("open.a", "two");
  turn();
  ASSERT_TRUE(is_answered());
  EXPECT_NE(body().find(R"("data":"one"},)"), std::string::npos) << body();
  EXPECT_NE(body().find(R"("data":"two"}],"last":)"), std::string::npos) << body();
  EXPECT_EQ(connection_.sent, "");
  EXPECT_EQ(hubs_[0]->subscription_count(), 0U);
}

TEST_F(Poll, WaitsAtAReplicaOfAnotherReactorToo) {
  hubs_.clear();
  engines_.clear();
  start(2);
  for (const std::string topic : {"open.a", "open.b", "open.c", "open.d"}) {
    request("/topics/" + topic + "?after=first&wait=9");
    turn();
    EXPECT_FALSE(is_answered());
    publish(topic, "x");
    turn();
    turn();
    ASSERT_TRUE(is_answered()) << topic;
    EXPECT_EQ(status(), 200);
  }
}

TEST_F(Poll, OfSeveralTopicsGoesOnFromOnePosition) {
  hubs_.clear();
  engines_.clear();
  start(2);
  const auto poll = [&](const std::string& more) {
    request("/topics?topic=open.*&topic=own.a" + more);
    for (int i = 0; i < 10 && !is_answered(); ++i) {
      turn();
    }
  };
  poll("");
  ASSERT_TRUE(is_answered());
  std::string position = exchange_->header("Wspush-Last");
  poll("&wait=9&after=" + position);
  EXPECT_FALSE(is_answered());
  publish("open.a", "1");
  for (int i = 0; i < 10 && !is_answered(); ++i) {
    turn();
  }
  ASSERT_TRUE(is_answered());
  EXPECT_NE(body().find(R"({"topic":"open.a","id":")"), std::string::npos) << body();
  position = last_of_body();
  for (const char* topic : {"open.b", "own.a", "open.c"}) {
    publish(topic, "2");
  }
  turn();
  poll("&wait=0&after=" + position);
  ASSERT_TRUE(is_answered());
  for (const char* topic : {"open.b", "own.a", "open.c"}) {
    EXPECT_NE(body().find(topic), std::string::npos) << body();
  }
  EXPECT_EQ(body().find("open.a"), std::string::npos) << body();
  poll("&wait=0&after=first");
  ASSERT_TRUE(is_answered());
  EXPECT_NE(body().find("open.a"), std::string::npos) << body();
}

TEST_F(Poll, IsAnsweredWithItsPositionWhenTheTimeIsOver) {
  const std::string last = position("open.a");
  request("/topics/open.a?wait=3&after=" + last);
  EXPECT_EQ(connection_.deadline(), now_ + seconds(3));
  pass(connection_.deadline() - now_);
  route_.handler->on_deadline(*exchange_);
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(status(), 204);
  EXPECT_EQ(exchange_->header("Wspush-Last"), last);
  request("/topics/open.a?wait=0&after=" + last);
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(status(), 204);
}

TEST_F(Poll, TakesWhatABatchHoldsBackWhenTheTimeIsOver) {
  config_->topics[0].batch = milliseconds(20);
  const std::string last = position("open.a");
  request("/topics/open.a?after=" + last);
  publish("open.a", "held back");
  turn();
  EXPECT_FALSE(is_answered());
  pass(connection_.deadline() - now_);
  route_.handler->on_deadline(*exchange_);
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(status(), 200);
  EXPECT_NE(body().find("held back"), std::string::npos);
}

TEST_F(Poll, IsAnsweredWhenTheServerEnds) {
  const std::string last = position("open.a");
  request("/topics/open.a?after=" + last);
  route_.handler->on_ending(*exchange_);
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(status(), 204);
}

TEST_F(Poll, TellsThatSomethingIsLost) {
  config_->topics[0].history.messages = 2;
  const std::string last = position("open.a");
  for (const char* payload : {"1", "2", "3"}) {
    publish("open.a", payload);
  }
  request("/topics/open.a?after=" + last);
  ASSERT_TRUE(is_answered());
  EXPECT_TRUE(body().ends_with(R"(-3","gap":true})")) << body();
  EXPECT_EQ(body().find(R"("data":"1")"), std::string::npos);
  EXPECT_NE(body().find(R"("data":"2")"), std::string::npos);

  // Of another epoch, and nothing is kept: the new position is told at once.
  request("/topics/open.b?after=0000002a-7");
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(status(), 200);
  EXPECT_TRUE(body().starts_with(R"({"messages":[],"last":")")) << body();
  EXPECT_TRUE(body().ends_with(R"(-0","gap":true})")) << body();
}

TEST_F(Poll, IsToldOfANewEpochWhileItWaits) {
  const std::string last = position("open.a");
  request("/topics/open.a?after=" + last);
  hubs_[0]->clear("open.a", {});
  turn();
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(status(), 200);
  EXPECT_TRUE(body().ends_with(R"("gap":true})")) << body();
}

// A client takes `gap` as said before the first message: of what came before the loss it would keep
// nothing, and take the new epoch's first message for one that follows on it.
TEST_F(Poll, OfSeveralTopicsEndsAnAnswerBeforeAGap) {
  request("/topics?topic=open.a&topic=open.b");
  ASSERT_EQ(status(), 204);
  request("/topics?topic=open.a&topic=open.b&after=" + exchange_->header("Wspush-Last"));
  EXPECT_FALSE(is_answered());
  publish("open.a", "before");
  hubs_[0]->clear("open.a", {});
  publish("open.a", "behind");
  turn();
  ASSERT_TRUE(is_answered());
  EXPECT_NE(body().find("before"), std::string::npos) << body();
  EXPECT_EQ(body().find("behind"), std::string::npos) << body();
  EXPECT_EQ(body().find("gap"), std::string::npos) << body();

  request("/topics?topic=open.a&topic=open.b&after=" + last_of_body());
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(body().find("before"), std::string::npos) << body();
  EXPECT_NE(body().find("behind"), std::string::npos) << body();
  EXPECT_TRUE(body().ends_with(R"("gap":true})")) << body();
}

// Here the hub tells it, while it reads on what was missed: the ring has run past who came back
// before the other reactor had answered.
TEST_F(Poll, OfSeveralTopicsEndsAnAnswerBeforeALossAmongWhatItReadsOn) {
  hubs_.clear();
  engines_.clear();
  start(2);
  config_->topics[0].history.messages = 2;
  const auto [here, there] = topics_of_two_homes();
  const std::string start = position_of_all();
  publish(there, "there");
  turn();
  publish(here, "kept");
  request("/topics?topic=open.*&after=" + start);
  ASSERT_FALSE(is_answered());  // The other home has yet to answer.
  for (std::size_t i = 0; i <= hub::kFeedRingMessagesMax; ++i) {
    publish(here, "more");
  }
  turn();
  turn();
  ASSERT_TRUE(is_answered());
  EXPECT_NE(body().find("kept"), std::string::npos) << body();
  EXPECT_EQ(body().find("more"), std::string::npos) << body();
  EXPECT_EQ(body().find("gap"), std::string::npos) << body();

  request("/topics?topic=open.*&after=" + last_of_body());
  turn();
  turn();
  ASSERT_TRUE(is_answered());
  EXPECT_NE(body().find("more"), std::string::npos) << body();
  EXPECT_TRUE(body().ends_with(R"("gap":true})")) << body();
}

TEST_F(Poll, OfSeveralTopicsGetsWhatHasWaitedLongestFirst) {
  hubs_.clear();
  engines_.clear();
  start(2);
  config_->topics[0].history.messages = 1000;
  const auto [here, there] = topics_of_two_homes();
  const std::string position = position_of_all();
  publish(there, "oldest");
  turn();
  pass(milliseconds(1));
  for (int i = 0; i < 300; ++i) {
    publish(here, "newer");
  }
  request("/topics?topic=open.*&after=" + position);
  turn();
  ASSERT_TRUE(is_answered());
  EXPECT_NE(body().find("oldest"), std::string::npos) << body().substr(0, 200);
  request("/topics?topic=open.*&after=" + last_of_body());
  turn();
  ASSERT_TRUE(is_answered());
  EXPECT_NE(body().find("-301\""), std::string::npos) << body().substr(0, 200);
}

TEST_F(Poll, GivesThreeHundredMessagesOrAMegabyteAtMost) {
  config_->topics[0].history.messages = 1000;
  config_->topics[0].history.bytes = 64 << 20;
  const std::string last = position("open.a");
  for (int i = 0; i < 301; ++i) {
    publish("open.a", "x");
  }
  request("/topics/open.a?after=" + last);
  EXPECT_TRUE(body().ends_with(R"(-300"})")) << body().substr(body().size() - 40);
  for (int i = 0; i < 3; ++i) {
    publish("open.b", std::string(700'000, 'y'));
  }
  request("/topics/open.b?after=first");
  EXPECT_TRUE(body().ends_with(R"(-2"})")) << body().substr(body().size() - 40);
  publish("open.c", std::string(3'000'000, 'z'));  // One at least.
  request("/topics/open.c?after=first");
  EXPECT_TRUE(body().ends_with(R"(-1"})"));
}

TEST_F(Poll, AWithdrawnRightEndsTheWait) {
  request("/topics/open.a?after=first");
  EXPECT_FALSE(is_answered());
  config_->topics[0].subscribe = config::Permission::kNobody;
  hubs_[0]->set_rules(*rules_);
  ASSERT_TRUE(is_answered());
  EXPECT_EQ(status(), 403);
  EXPECT_FALSE(connection_.holds_frames);
}

TEST_F(Poll, RefusesAWaitThatIsNone) {
  request("/topics/open.a?wait=soon");
  EXPECT_EQ(status(), 400);
}

}  // namespace
}  // namespace wspush::door::test
