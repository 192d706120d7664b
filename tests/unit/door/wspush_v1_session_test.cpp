#include "door/wspush_v1_session.hpp"

#include <gmock/gmock.h>

#include "unit/door/session_rig.hpp"
#include "version.hpp"

namespace wspush::door::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class WspushV1 : public SessionRig {
 protected:
  void open(std::uint16_t reactors = 1) {
    start(reactors);
    auto session = std::make_unique<WspushV1Session>(connection_, *context_);
    session->open();
    session_ = std::move(session);
    welcome_ = answers();
  }
  /// The one answer to `command`.
  std::string ask(const std::string& command) {
    say(command);
    const auto all = answers();
    EXPECT_EQ(all.size(), 1U) << command;
    return all.empty() ? "" : all[0];
  }
  void expect_error(const std::string& command, const std::string& code) {
    const std::string id = R"("id":"x")";
    EXPECT_THAT(ask(command), StartsWith(R"({"op":"error",)" + id + R"(,"code":")" + code + '"'))
        << command;
  }
  /// A topic that begins with `prefix` and lives in the other reactor.
  std::string far_topic(const std::string& prefix) {
    for (int i = 0;; ++i) {
      const std::string topic = prefix + std::to_string(i);
      if (siphash13(shared_.topic_key, topic) % 2 == 1) {
        return topic;
      }
    }
  }
  std::string epoch_of(const std::string& answer) {
    return answer.substr(answer.find(R"("last":")") + 8, 8);
  }

  std::vector<std::string> welcome_;
};

TEST_F(WspushV1, SaysWelcome) {
  open();
  EXPECT_THAT(welcome_, ElementsAre(R"({"op":"welcome","connection":")" +
                                    connection_id(*context_, connection_.handle()) +
                                    R"(","user":null,"ping_interval":50,"server":"wspushd/)" +
                                    std::string(kVersion) + R"("})"));
}

TEST_F(WspushV1, SpellsAnIntervalThatIsNoWholeSecond) {
  config_->heartbeat.ping_interval = std::chrono::milliseconds(1050);
  open();
  EXPECT_THAT(welcome_.at(0), HasSubstr(R"("ping_interval":1.05,)"));
}

TEST_F(WspushV1, AnswersWithTheIdAsItCame) {
  open();
  EXPECT_EQ(ask(R"({"op":"ping","id":7})"), R"({"op":"pong","id":7})");
  EXPECT_EQ(ask(R"({"op":"ping","id":"a\u0041\"b"})"), R"({"op":"pong","id":"a\u0041\"b"})");
  EXPECT_EQ(ask(R"({"op":"ping","id":123456789012345678901234567890})"),
            R"({"op":"pong","id":123456789012345678901234567890})");
  EXPECT_EQ(ask(R"({"op":"ping","id":-0,"more":[1]})"), R"({"op":"pong","id":-0})");
  say(R"({"op":"ping"})");
  say(R"({"op":"ping","id":null})");
  EXPECT_THAT(answers(), IsEmpty());
}

TEST_F(WspushV1, RefusesWhatIsNoCommand) {
  config_->limits.errors_per_connection = 100;
  open();
  for (const char* text :
       {"", "x", "[]", "1", "{", R"({"op":"ping"} x)", R"({"op":"ping","id":1.5})",
        R"({"op":"ping","id":{}})", R"({"op":"ping","id":true})"}) {
    EXPECT_THAT(ask(text), StartsWith(R"({"op":"error","code":"bad_request")")) << text;
  }
  expect_error(R"({"id":"x"})", "bad_request");
  expect_error(R"({"id":"x","op":1})", "bad_request");
  expect_error(R"({"id":"x","op":"nonsense"})", "unknown_op");
  expect_error(R"({"id":"x","op":"PING"})", "unknown_op");
  EXPECT_THAT(ask(R"({"op":"nonsense"})"), StartsWith(R"({"op":"error","code":"unknown_op")"));
  EXPECT_FALSE(connection_.is_closing);
}

TEST_F(WspushV1, SubscribesWithTheNextMessage) {
  open();
  say(R"({"op":"publish","topic":"open.a","data":0})");
  const std::string subscribed = ask(R"({"op":"subscribe","id":1,"topic":"open.a"})");
  const std::string epoch = epoch_of(subscribed);
  EXPECT_EQ(subscribed,
            R"({"op":"subscribed","id":1,"topic":"open.a","last":")" + epoch + R"(-1"})");
  say(R"({"op":"publish","id":"p","topic":"open.a","data": { "a" :1} })");
  rest();
  EXPECT_THAT(answers(), ElementsAre(R"({"op":"published","id":"p","topic":"open.a","message":")" +
                                         epoch + R"(-2"})",
                                     R"({"op":"message","topic":"open.a","id":")" + epoch +
                                         R"(-2","data":{ "a" :1}})"));
  EXPECT_EQ(ask(R"({"op":"unsubscribe","id":2,"topic":"open.a"})"),
            R"({"op":"unsubscribed","id":2,"topic":"open.a"})");
  say(R"({"op":"publish","topic":"open.a","data":3})");
  rest();
  EXPECT_THAT(answers(), IsEmpty());
}

TEST_F(WspushV1, ResumesBehindAnId) {
  open();
  for (int i = 1; i <= 3; ++i) {
    say(R"({"op":"publish","topic":"open.a","data":)" + std::to_string(i) + "}");
  }
  say(R"({"op":"subscribe","id":1,"topic":"open.a","after":"first"})");
  rest();
  auto all = answers();
  ASSERT_EQ(all.size(), 4U);
  const std::string epoch = epoch_of(all[0]);
  EXPECT_THAT(all[0], HasSubstr(R"("last":")" + epoch + R"(-3","recovered":true})"));
  EXPECT_THAT(all[1], HasSubstr(R"("data":1})"));
  EXPECT_THAT(all[3], HasSubstr(R"("data":3})"));
  ask(R"({"op":"unsubscribe","id":1,"topic":"open.a"})");
  say(R"({"op":"subscribe","id":1,"topic":"open.a","after":")" + epoch + R"(-2"})");
  rest();
  all = answers();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_THAT(all[0], HasSubstr(R"("recovered":true})"));
  EXPECT_THAT(all[1], HasSubstr(R"("data":3})"));
  ask(R"({"op":"unsubscribe","id":1,"topic":"open.a"})");
  say(R"({"op":"subscribe","id":1,"topic":"open.a","after":"00000000-2"})");
  rest();
  all = answers();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_THAT(all[0], HasSubstr(R"("recovered":false})"));
}

TEST_F(WspushV1, ReportsEachErrorByItsCode) {
  config_->limits.errors_per_connection = 100;
  config_->limits.subscriptions_per_connection = 2;
  config_->topics[0].message_bytes = 10;
  open();
  expect_error(R"({"id":"x","op":"subscribe"})", "bad_request");
  expect_error(R"({"id":"x","op":"subscribe","topic":1})", "bad_request");
  expect_error(R"({"id":"x","op":"subscribe","topic":""})", "bad_topic");
  expect_error(R"({"id":"x","op":"subscribe","topic":"a..b"})", "bad_topic");
  expect_error(R"({"id":"x","op":"subscribe","topic":"open.a","after":"x"})", "bad_request");
  expect_error(R"({"id":"x","op":"subscribe","topic":"open.a","after":1})", "bad_request");
  expect_error(R"({"id":"x","op":"subscribe","topic":"open.a","mode":"x"})", "bad_request");
  expect_error(R"({"id":"x","op":"subscribe","topics":1})", "bad_request");
  expect_error(R"({"id":"x","op":"subscribe","topics":[]})", "bad_request");
  expect_error(R"({"id":"x","op":"subscribe","topic":"closed"})", "forbidden");
  expect_error(R"({"id":"x","op":"subscribe","topic":"unknown"})", "forbidden");
  expect_error(R"({"id":"x","op":"subscribe","topic":"users.1"})", "unauthenticated");
  expect_error(R"({"id":"x","op":"unsubscribe","topic":"open.a"})", "not_subscribed");
  expect_error(R"({"id":"x","op":"publish","topic":"open.a"})", "bad_request");
  expect_error(R"({"id":"x","op":"publish","topic":"read","data":1})", "forbidden");
  expect_error(R"({"id":"x","op":"publish","topic":"users.1","data":1})", "unauthenticated");
  expect_error(R"({"id":"x","op":"publish","topic":"own.1","data":1})", "forbidden");
  expect_error(R"({"id":"x","op":"publish","topic":"unknown","data":1})", "forbidden");
  expect_error(R"({"id":"x","op":"publish","topic":"open.a","data":"123456789"})", "too_large");
  EXPECT_THAT(ask(R"({"id":1,"op":"publish","topic":"open.a","data":"12345678"})"),
              StartsWith(R"({"op":"published")"));
  expect_error(R"({"id":"x","op":"history","topic":"closed"})", "forbidden");
  expect_error(R"({"id":"x","op":"history","topic":"users.1"})", "unauthenticated");
  expect_error(R"({"id":"x","op":"history","topic":"open.a","limit":0})", "bad_request");
  expect_error(R"({"id":"x","op":"history","topic":"open.a","limit":-1})", "bad_request");
  expect_error(R"({"id":"x","op":"history","topic":"open.a","after":"y"})", "bad_request");
  expect_error(R"({"id":"x","op":"auth","token":"t"})", "unauthenticated");
  ask(R"({"op":"subscribe","id":1,"topic":"open.a"})");
  expect_error(R"({"id":"x","op":"subscribe","topic":"open.a"})", "already_subscribed");
  ask(R"({"op":"subscribe","id":1,"topic":"own.1"})");
  expect_error(R"({"id":"x","op":"subscribe","topic":"open.b"})", "limit_exceeded");
  EXPECT_THAT(ask(R"({"id":1,"op":"publish","topic":"own.1","data":1})"),
              StartsWith(R"({"op":"published")"));
  EXPECT_FALSE(connection_.is_closing);
}

TEST_F(WspushV1, AnswersForEachOfManyTopicsInTheirOrder) {
  open(2);
  const std::string far = far_topic("open.far");
  say(R"({"op":"subscribe","id":5,"topics":[{"topic":"open.a"},{"topic":"closed"},{"topic":")" +
      far + R"("},{},7,{"topic":"open.a"}]})");
  say(R"({"op":"ping","id":6})");
  EXPECT_TRUE(connection_.is_paused);
  EXPECT_THAT(answers(), IsEmpty());
  rest();
  const auto all = answers();
  ASSERT_EQ(all.size(), 7U);
  EXPECT_THAT(all[0], StartsWith(R"({"op":"subscribed","id":5,"topic":"open.a")"));
  EXPECT_THAT(all[1], StartsWith(R"({"op":"error","id":5,"code":"forbidden")"));
  EXPECT_THAT(all[1], HasSubstr(R"("topic":"closed"})"));
  EXPECT_THAT(all[2], StartsWith(R"({"op":"subscribed","id":5,"topic":")" + far));
  EXPECT_THAT(all[3], StartsWith(R"({"op":"error","id":5,"code":"bad_request")"));
  EXPECT_THAT(all[4], StartsWith(R"({"op":"error","id":5,"code":"bad_request")"));
  EXPECT_THAT(all[5], StartsWith(R"({"op":"error","id":5,"code":"already_subscribed")"));
  EXPECT_EQ(all[6], R"({"op":"pong","id":6})");
}

TEST_F(WspushV1, CommandsOnOneTopicTakeEffectInTheOrderSent) {
  open(2);
  const std::string far = far_topic("open.far");
  say(R"({"op":"publish","id":1,"topic":")" + far + R"(","data":1})");
  say(R"({"op":"subscribe","id":2,"topic":")" + far + R"("})");
  say(R"({"op":"publish","id":3,"topic":")" + far + R"(","data":3})");
  rest();
  rest();
  const auto all = answers();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_THAT(all[0], StartsWith(R"({"op":"published","id":1)"));
  EXPECT_THAT(all[1], StartsWith(R"({"op":"subscribed","id":2)"));
  EXPECT_THAT(all, ::testing::Contains(HasSubstr(R"("data":3})")));
  EXPECT_THAT(all, ::testing::Contains(StartsWith(R"({"op":"published","id":3)")));
}

TEST_F(WspushV1, GivesTheHistory) {
  open();
  const std::string empty = ask(R"({"op":"history","id":1,"topic":"open.a"})");
  const std::string epoch = epoch_of(empty);
  EXPECT_EQ(empty, R"({"op":"history","id":1,"topic":"open.a","messages":[],"last":")" + epoch +
                       R"(-0"})");
  for (int i = 1; i <= 3; ++i) {
    say(R"({"op":"publish","topic":"open.a","data":)" + std::to_string(i) + "}");
  }
  const auto message = [&](int i) {
    return R"({"id":")" + epoch + "-" + std::to_string(i) + R"(","data":)" + std::to_string(i) +
           "}";
  };
  const std::string head = R"({"op":"history","id":1,"topic":"open.a","messages":[)";
  const std::string tail = R"(],"last":")" + epoch + R"(-3")";
  EXPECT_EQ(ask(R"({"op":"history","id":1,"topic":"open.a","limit":2})"),
            head + message(2) + "," + message(3) + tail + "}");
  EXPECT_EQ(
      ask(R"({"op":"history","id":1,"topic":"open.a","after":")" + epoch + R"(-1","limit":1})"),
      head + message(2) + tail + "}");
  EXPECT_EQ(ask(R"({"op":"history","id":1,"topic":"open.a","after":"first","limit":400})"),
            head + message(1) + "," + message(2) + "," + message(3) + tail + "}");
  EXPECT_EQ(ask(R"({"op":"history","id":1,"topic":"open.a","after":"00000000-1","limit":1})"),
            head + message(1) + tail + R"(,"gap":true})");
}

TEST_F(WspushV1, TellsAGapAndAWithdrawnRight) {
  open();
  say(R"({"op":"publish","topic":"open.a","data":1})");
  const std::string epoch = epoch_of(ask(R"({"op":"subscribe","id":1,"topic":"open.a"})"));
  hubs_[0]->clear("open.a", {});
  rest();
  const auto all = answers();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0],
              StartsWith(R"({"op":"gap","topic":"open.a","after":")" + epoch + R"(-1","next":")"));
  EXPECT_THAT(all[0], ::testing::EndsWith(R"(-1"})"));
  config_->topics[0].subscribe = config::Permission::kNobody;
  hubs_[0]->set_rules(*rules_);
  EXPECT_THAT(answers(),
              ElementsAre(R"({"op":"unsubscribed","topic":"open.a","code":"forbidden"})"));
}

TEST_F(WspushV1, ClosesAtTheLastErrorThatIsBorne) {
  config_->limits.errors_per_connection = 3;
  open();
  say("x");
  say(R"({"op":"subscribe","topics":[{"topic":"closed"},{"topic":"closed"},{"topic":"open.a"}]})");
  const auto all = answers();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[3], "close 1008");
  EXPECT_TRUE(connection_.is_closing);
  EXPECT_FALSE(hubs_[0]->is_subscribed(3, "open.a"));
  EXPECT_EQ(limit_hits(metrics::Limit::kErrorsPerConnection), 1U);
  say(R"({"op":"ping","id":1})");
  EXPECT_TRUE(input_.empty()) << "input after the close is thrown away";
}

TEST_F(WspushV1, BoundsTheRateOfCommandsAndDoesNotCarryOutWhatIsOver) {
  config_->limits.errors_per_connection = 1000;
  config_->limits.commands_per_second = 10;
  config_->limits.subscriptions_per_connection = 5;  // burst: 105
  open();
  for (int i = 0; i < 105; ++i) {
    ASSERT_EQ(ask(R"({"op":"ping","id":1})"), R"({"op":"pong","id":1})") << i;
  }
  expect_error(R"({"op":"publish","id":"x","topic":"open.a","data":1})", "rate_limited");
  EXPECT_EQ(hubs_[0]->home_topic_count(), 0U);
  pass(std::chrono::milliseconds(100));
  EXPECT_EQ(ask(R"({"op":"ping","id":1})"), R"({"op":"pong","id":1})");
  expect_error(R"({"op":"ping","id":"x"})", "rate_limited");
  EXPECT_EQ(limit_hits(metrics::Limit::kCommandsPerSecond), 2U);
}

TEST_F(WspushV1, ASubscribeOfManyPaysForEach) {
  config_->limits.commands_per_second = 10;
  config_->limits.subscriptions_per_connection = 5;
  open();
  for (int i = 0; i < 100; ++i) {
    ask(R"({"op":"ping","id":1})");
  }
  const std::string five =
      R"("topics":[{"topic":"open.1"},{"topic":"open.2"},{"topic":"open.3"},{"topic":"open.4"},{"topic":"open.5"}]})";
  say(R"({"op":"ping"})");
  say(R"({"op":"subscribe","id":"x",)" + five);  // Four are left.
  const auto answered = answers();
  ASSERT_EQ(answered.size(), 5U);
  EXPECT_THAT(answered[3], HasSubstr("subscribed"));
  EXPECT_THAT(answered[4], HasSubstr("rate_limited"));
  EXPECT_TRUE(hubs_[0]->is_subscribed(3, "open.4"));
  EXPECT_FALSE(hubs_[0]->is_subscribed(3, "open.5"));
  EXPECT_EQ(limit_hits(metrics::Limit::kCommandsPerSecond), 1U);
}

TEST_F(WspushV1, ABinaryMessageIsUnacceptable) {
  open();
  input(frame(websocket::Opcode::kBinary, R"({"op":"ping","id":1})"));
  EXPECT_THAT(answers(), ElementsAre("close 1003"));
}

TEST_F(WspushV1, WhereAUserIsRequiredNothingGoesBeforeAuthAndNotForLong) {
  config_->auth.required = true;
  config_->limits.errors_per_connection = 100;
  open();
  for (const char* op : {"subscribe", "unsubscribe", "publish", "history", "ping"}) {
    expect_error(std::string(R"({"id":"x","topic":"open.a","data":1,"op":")") + op + "\"}",
                 "unauthenticated");
  }
  EXPECT_LE(connection_.deadline(), now_ + config_->auth.timeout);
  pass(config_->auth.timeout);
  session_->on_deadline(now_);
  EXPECT_THAT(answers(), ElementsAre("close 4002"));
}

TEST_F(WspushV1, EndsInItsOwnWords) {
  const std::pair<EndReason, const char*> kRows[] = {
      {EndReason::kGoingAway, "close 1001"}, {EndReason::kTerminated, "close 4003"},
      {EndReason::kTooSlow, "close 4008"},   {EndReason::kInternalError, "close 1011"},
      {EndReason::kOverload, "close 1013"},
  };
  open();
  for (const auto& [reason, text] : kRows) {
    connection_.is_closing = false;
    auto session = std::make_unique<WspushV1Session>(connection_, *context_);
    connection_.wants_drained = false;
    session->end(reason);
    session->end(EndReason::kGoingAway);
    if (connection_.wants_drained) {
      session->on_drained();  // One that goes away takes what was published before first.
    }
    EXPECT_THAT(answers(), ElementsAre(text));
  }
}

TEST_F(WspushV1, WaitsWithInputWhenTooManyAnswersAreOnTheirWay) {
  config_->limits.commands_per_second = 100'000;
  open(2);
  const std::string far = far_topic("open.far");
  const std::string publish = R"({"op":"publish","id":1,"topic":")" + far + R"(","data":1})";
  const std::string history = R"({"op":"history","id":1,"topic":")" + far + R"("})";
  for (const std::string& command : {publish, history}) {
    std::string all;
    for (int i = 0; i < 3000; ++i) {
      all += frame(websocket::Opcode::kText, command);
    }
    input(all);
    EXPECT_TRUE(connection_.is_paused);
    EXPECT_LE(mailer_.mail.size(), 1024U);
    for (int round = 0; round < 10; ++round) {
      rest();
    }
    EXPECT_TRUE(input_.empty());
    EXPECT_EQ(answers().size(), 3000U);
  }
}

}  // namespace
}  // namespace wspush::door::test
