#include <gmock/gmock.h>

#include "door/raw_session.hpp"
#include "door/wspush_v1_session.hpp"
#include "unit/auth/test_keys.hpp"
#include "unit/door/session_rig.hpp"

// The command `auth`, and what the end of a token or of a right does to a session.
namespace wspush::door {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Authenticate : public test::SessionRig {
 protected:
  Authenticate() {
    config_->topics.push_back({.match = "listed.>",
                               .subscribe = config::Permission::kToken,
                               .publish = config::Permission::kToken});
    config_->auth.clock_skew = seconds(0);
  }

  void open(auth::IdentityRef who = {}) {
    start();
    context_->authenticator.use(std::make_shared<auth::JwtVerifier>(auth::test::hmac_verifier()));
    context_->wall = WallTime(seconds(1000));
    auto session = std::make_unique<WspushV1Session>(connection_, *context_);
    WspushV1Session& opened = *session;
    opened.use_identity(std::move(who));
    session_ = std::move(session);
    opened.open();
    welcome_ = answers().at(0);
  }
  static std::string token(const std::string& claims) {
    return auth::test::hmac_signer().sign(claims);
  }
  void say_auth(const std::string& claims, const std::string& id = "1") {
    say(R"({"op":"auth","id":)" + id + R"(,"token":")" + token(claims) + "\"}");
  }
  /// Real time and the loop's.
  void pass_both(std::chrono::milliseconds time) {
    context_->wall += time;
    pass(time);
  }
  /// As the connection's timer does.
  void fire_if_due() {
    if (connection_.deadline() <= now_) {
      connection_.heard = connection_.sent_at = now_;
      session_->on_deadline(now_);
    }
  }
  void subscribe(const std::string& topic) {
    say(R"({"op":"subscribe","id":"s","topic":")" + topic + "\"}");
    ASSERT_THAT(answers(), ElementsAre(StartsWith(R"({"op":"subscribed")"))) << topic;
  }

  std::string welcome_;
};

TEST_F(Authenticate, AnswersWithTheUserAndTheTimeThatIsLeft) {
  open();
  EXPECT_THAT(welcome_, HasSubstr(R"("user":null)"));
  say_auth(R"({"sub":"u\"1","exp":4600.9})");
  EXPECT_THAT(answers(),
              ElementsAre(R"({"op":"authenticated","id":1,"user":"u\"1","expires_in":3600})"));
  ASSERT_NE(session_->identity(), nullptr);
  EXPECT_EQ(session_->identity()->user, "u\"1");
  say_auth(R"({"sub":"u\"1"})", "\"x\"");
  EXPECT_THAT(answers(),
              ElementsAre(R"({"op":"authenticated","id":"x","user":"u\"1","expires_in":null})"));
  say(R"({"op":"auth","token":")" + token(R"({"sub":"u\"1"})") + "\"}");
  EXPECT_THAT(answers(), IsEmpty()) << "no id, no answer";
}

TEST_F(Authenticate, IsNotNeededWhereTheHandshakeHadAToken) {
  auto who = std::make_shared<auth::Identity>();
  who->user = "u\"1";
  config_->auth.required = true;
  open(who);
  EXPECT_THAT(welcome_, HasSubstr(R"("user":"u\"1")"));
  subscribe("users.a");
  pass_both(config_->auth.timeout);
  fire_if_due();
  EXPECT_FALSE(connection_.is_closing);
}

TEST_F(Authenticate, SaysWhyATokenIsNotTaken) {
  config_->limits.errors_per_connection = 100;
  open();
  const auto error_of = [&](const std::string& command) {
    say(command);
    const auto said = answers();
    return said.size() == 1 ? said[0] : "not one answer";
  };
  const auto with = [&](const std::string& value) {
    return error_of(R"({"op":"auth","id":1,"token":)" + value + "}");
  };
  EXPECT_THAT(error_of(R"({"op":"auth","id":1})"), HasSubstr(R"("code":"bad_request")"));
  EXPECT_THAT(with("7"), HasSubstr(R"("code":"bad_request")"));
  EXPECT_THAT(with("null"), HasSubstr(R"("code":"bad_request")"));
  EXPECT_THAT(with(R"("a.b.c")"), HasSubstr(R"("code":"unauthenticated")"));
  EXPECT_THAT(with(R"("")"), HasSubstr(R"("code":"unauthenticated")"));
  EXPECT_THAT(with('"' + std::string(8193, 'a') + '"'), HasSubstr(R"("code":"unauthenticated")"));
  EXPECT_THAT(with('"' + token(R"({"sub":"u","exp":999})") + '"'),
              HasSubstr(R"("code":"token_expired")"));
  EXPECT_EQ(session_->identity(), nullptr);
  EXPECT_FALSE(connection_.is_closing);
}

TEST_F(Authenticate, NeverSaysTheTokenBack) {
  open();
  const std::string secret = token(R"({"sub":"u","exp":999})");
  say(R"({"op":"auth","id":1,"token":")" + secret + "\"}");
  say(R"({"op":"auth","id":1,"token":"geheim"})");
  for (const std::string& text : answers()) {
    EXPECT_THAT(text, testing::Not(HasSubstr(secret.substr(0, 20))));
    EXPECT_THAT(text, testing::Not(HasSubstr("geheim")));
  }
}

TEST_F(Authenticate, OfAnotherUserIsForbiddenAndChangesNothing) {
  open();
  say_auth(R"({"sub":"u"})");
  answers();
  say_auth(R"({"sub":"v"})");
  EXPECT_THAT(answers(), ElementsAre(HasSubstr(R"("code":"forbidden")")));
  EXPECT_EQ(session_->identity()->user, "u");
}

TEST_F(Authenticate, GivesWhatAnAnonymousClientMayNot) {
  open();
  say(R"({"op":"subscribe","id":1,"topic":"users.a"})");
  say(R"({"op":"publish","id":2,"topic":"users.a","data":1})");
  say(R"({"op":"history","id":3,"topic":"users.a"})");
  EXPECT_THAT(answers(), ElementsAre(HasSubstr("unauthenticated"), HasSubstr("unauthenticated"),
                                     HasSubstr("unauthenticated")));
  say_auth(R"({"sub":"u","subscribe":["listed.a"],"publish":["listed.b"]})");
  answers();
  subscribe("users.a");
  subscribe("listed.a");
  say(R"({"op":"publish","id":2,"topic":"listed.b","data":1})");
  say(R"({"op":"publish","id":3,"topic":"listed.a","data":1})");
  say(R"({"op":"subscribe","id":4,"topic":"listed.b"})");
  say(R"({"op":"history","id":5,"topic":"listed.b"})");
  EXPECT_THAT(answers(), ElementsAre(HasSubstr("published"), HasSubstr("forbidden"),
                                     HasSubstr("forbidden"), HasSubstr("forbidden")));
}

TEST_F(Authenticate, WithFewerRightsEndsWhatTheyGave) {
  open();
  say_auth(R"({"sub":"u","subscribe":["listed.>"]})");
  answers();
  subscribe("listed.a");
  subscribe("listed.b");
  subscribe("open.a");
  say_auth(R"({"sub":"u","subscribe":["listed.a"]})", "2");
  EXPECT_THAT(answers(),
              ElementsAre(R"({"op":"authenticated","id":2,"user":"u","expires_in":null})",
                          R"({"op":"unsubscribed","topic":"listed.b","code":"forbidden"})"));
  EXPECT_TRUE(hubs_[0]->is_subscribed(3, "listed.a"));
  EXPECT_FALSE(hubs_[0]->is_subscribed(3, "listed.b"));
  EXPECT_TRUE(hubs_[0]->is_subscribed(3, "open.a"));
}

TEST_F(Authenticate, WhenTheTokenExpiresTheConnectionDoes) {
  config_->auth.clock_skew = seconds(5);
  open();
  say_auth(R"({"sub":"u","exp":1010})");
  answers();
  EXPECT_LE(connection_.deadline(), now_ + seconds(15));
  for (int i = 0; i < 149; ++i) {
    pass_both(std::chrono::milliseconds(100));
    fire_if_due();
  }
  EXPECT_FALSE(connection_.is_closing);
  answers();
  pass_both(std::chrono::milliseconds(100));
  ASSERT_LE(connection_.deadline(), now_) << "the timer fires in time";
  fire_if_due();
  EXPECT_THAT(answers(), ElementsAre("close 4001"));
}

TEST_F(Authenticate, AgainMovesTheEnd) {
  open();
  say_auth(R"({"sub":"u","exp":1010})");
  pass_both(seconds(9));
  say_auth(R"({"sub":"u","exp":1100})");
  for (int i = 0; i < 90; ++i) {
    fire_if_due();
    EXPECT_FALSE(connection_.is_closing) << i;
    pass_both(seconds(1));
  }
  pass_both(seconds(1));
  fire_if_due();
  EXPECT_TRUE(connection_.is_closing);
  EXPECT_EQ(answers().back(), "close 4001");
}

TEST_F(Authenticate, TokensAreJudgedByRealTimeThatHasJumped) {
  open();
  say_auth(R"({"sub":"u","exp":100000})");
  answers();
  context_->wall += std::chrono::hours(24 * 3650);
  // Nothing is due at once: the next look at the heartbeat finds it.
  pass(connection_.deadline() - now_);
  fire_if_due();
  EXPECT_EQ(answers().back(), "close 4001");
}

TEST_F(Authenticate, WithinTheTimeKeepsTheConnection) {
  config_->auth.required = true;
  open();
  pass_both(config_->auth.timeout - std::chrono::milliseconds(1));
  say_auth(R"({"sub":"u"})");
  pass_both(std::chrono::milliseconds(1));
  fire_if_due();
  EXPECT_FALSE(connection_.is_closing);
}

TEST_F(Authenticate, IsWantedOfThoseWhoAreThereWhenItBecomesRequired) {
  open();
  pass_both(std::chrono::hours(1));
  config_->auth.required = true;
  context_->auth_required_since = now_;
  session_->on_rules_changed();
  EXPECT_FALSE(connection_.is_closing) << "it has its time, however long it has been here";
  EXPECT_LE(connection_.deadline(), now_ + config_->auth.timeout);
  pass_both(config_->auth.timeout);
  fire_if_due();
  EXPECT_EQ(answers().back(), "close 4002");
  EXPECT_EQ(limit_hits(metrics::Limit::kAuthTimeout), 1U);
}

TEST_F(Authenticate, ARuleThatChangesEndsWhatItGave) {
  open();
  say_auth(R"({"sub":"u"})");
  answers();
  subscribe("users.a");
  subscribe("open.a");
  auto changed = std::make_shared<config::Config>(*config_);
  changed->topics[3].subscribe = config::Permission::kToken;
  context_->rules = std::make_shared<auth::TopicRules>(changed);
  hubs_[0]->set_rules(*context_->rules);
  EXPECT_THAT(answers(), IsEmpty()) << "others may still have it: the hub ends nobody's";
  session_->on_rules_changed();
  EXPECT_THAT(answers(),
              ElementsAre(R"({"op":"unsubscribed","topic":"users.a","code":"forbidden"})"));
  EXPECT_FALSE(hubs_[0]->is_subscribed(3, "users.a"));
  EXPECT_TRUE(hubs_[0]->is_subscribed(3, "open.a"));
}

TEST_F(Authenticate, OnTheRawDoorARightThatGoesClosesIt) {
  start();
  context_->wall = WallTime(seconds(1000));
  auto who = std::make_shared<auth::Identity>();
  who->user = "u";
  who->subscribe = who->publish = {"listed.a"};
  const std::string topic = "listed.a";
  ASSERT_TRUE(hubs_[0]->prepare({&topic, 1}, false, {}));
  ASSERT_TRUE(hubs_[0]->subscribe(connection_.member(), topic, {.form = hub::WireForm::kRaw}));
  auto session = std::make_unique<RawSession>(connection_, *context_);
  session->use_identity(who);
  session->open(std::nullopt);
  session_ = std::move(session);
  input(frame(websocket::Opcode::kText, "mine"));
  rest();
  EXPECT_THAT(answers(), ElementsAre("mine")) << "its token lists it";
  auto changed = std::make_shared<config::Config>(*config_);
  changed->topics.back().match = "unlisted.>";
  changed->topics.push_back({.match = "listed.>", .subscribe = config::Permission::kNobody});
  context_->rules = std::make_shared<auth::TopicRules>(changed);
  session_->on_rules_changed();
  EXPECT_THAT(answers(), ElementsAre("close 1008"));
}

}  // namespace
}  // namespace wspush::door
