#include <gmock/gmock.h>

#include "door/wspush_v1_session.hpp"
#include "unit/auth/test_keys.hpp"
#include "unit/door/session_rig.hpp"

// The command `members`, and what a session of a topic with presence is told.
namespace wspush::door {
namespace {

using config::Presence;
using testing::ElementsAre;
using testing::HasSubstr;

class Members : public test::SessionRig {
 protected:
  Members() {
    config_->topics = {
        {.match = "room", .presence = Presence::kOn},
        {.match = "count", .presence = Presence::kCount},
        {.match = "plain"},
        {.match = "closed", .subscribe = config::Permission::kNobody, .presence = Presence::kOn}};
  }
  /// `user` empty: anonymous.
  void open(const std::string& user, const std::string& info = {}, std::uint16_t reactors = 1) {
    start(reactors);
    auto session = std::make_unique<WspushV1Session>(connection_, *context_);
    if (!user.empty()) {
      auto identity = std::make_shared<auth::Identity>();
      identity->user = user;
      identity->info = info;
      session->use_identity(std::move(identity));
    }
    WspushV1Session& opened = *session;
    session_ = std::move(session);
    opened.open();
    answers();
  }
  std::vector<std::string> said(const std::string& command) {
    say(command);
    rest();
    return answers();
  }
};

TEST_F(Members, AreToldAndListed) {
  open("ann", R"({"a":1})");
  EXPECT_THAT(
      said(R"({"op":"subscribe","id":1,"topic":"room"})"),
      ElementsAre(HasSubstr(R"("subscribed")"),
                  R"({"op":"join","topic":"room","member":{"user":"ann","info":{"a":1}}})"));
  EXPECT_THAT(said(R"({"op":"members","id":5,"topic":"room","cursor":null})"),
              ElementsAre(R"({"op":"members","id":5,"topic":"room","members":)"
                          R"([{"user":"ann","info":{"a":1},"connections":1}],"count":1})"));
  EXPECT_THAT(said(R"({"op":"members","topic":"room"})"), ElementsAre());
}

TEST_F(Members, AnotherReactorIsAskedWhereItIsTheHome) {
  open("ann", {}, 2);
  for (const char* topic : {"room", "count"}) {
    say(std::string(R"({"op":"members","id":1,"topic":")") + topic + "\"}");
    rest();
    rest();
    EXPECT_THAT(answers(), ElementsAre(HasSubstr(R"("count":0})"))) << topic;
  }
}

TEST_F(Members, GiveTheNumberAloneWhereThatIsTheRule) {
  open("ann");
  EXPECT_THAT(
      said(R"({"op":"subscribe","id":1,"topic":"count"})"),
      ElementsAre(HasSubstr(R"("subscribed")"), R"({"op":"count","topic":"count","members":1})"));
  EXPECT_THAT(said(R"({"op":"members","id":5,"topic":"count"})"),
              ElementsAre(R"({"op":"members","id":5,"topic":"count","count":1})"));
}

TEST_F(Members, AreRefusedWhereTheQuestionIsNone) {
  open("ann");
  const auto error = [&](const std::string& rest) {
    const auto texts = said(R"({"op":"members","id":1,)" + rest + "}");
    return texts.size() == 1 ? texts[0] : "not one answer";
  };
  EXPECT_THAT(error(R"("topic":"plain")"),
              HasSubstr(R"("bad_request","message":"the topic's rule)"));
  EXPECT_THAT(error(R"("topic":"closed")"), HasSubstr(R"("forbidden")"));
  EXPECT_THAT(error(R"("topic":"none")"), HasSubstr(R"("forbidden")"));
  EXPECT_THAT(error(R"("topic":"room.*")"), HasSubstr(R"("bad_topic")"));
  EXPECT_THAT(error(R"("limit":1)"), HasSubstr(R"("bad_request")"));
  for (const char* bad : {R"("limit":0)", R"("limit":-1)", R"("limit":"1")", R"("limit":null)",
                          R"("cursor":"")", R"("cursor":"7")", R"("cursor":7)"}) {
    EXPECT_THAT(error(std::string(R"("topic":"room",)") + bad), HasSubstr(R"("bad_request")"))
        << bad;
  }
}

TEST_F(Members, OfAnAnonymousSubscriberAreNone) {
  open("");
  EXPECT_THAT(said(R"({"op":"subscribe","id":1,"topic":"room"})"),
              ElementsAre(HasSubstr(R"("subscribed")")));
  EXPECT_THAT(said(R"({"op":"members","id":5,"topic":"room"})"),
              ElementsAre(R"({"op":"members","id":5,"topic":"room","members":[],"count":0})"));
}

}  // namespace
}  // namespace wspush::door
