#include <gmock/gmock.h>

#include "door/wspush_v1_session.hpp"
#include "unit/door/session_rig.hpp"

// The command `publish`, whether its answer comes inside the call or later.
namespace wspush::door::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Publish : public SessionRig {
 protected:
  void open(std::uint16_t reactors = 1) {
    start(reactors);
    auto session = std::make_unique<WspushV1Session>(connection_, *context_);
    WspushV1Session& opened = *session;
    session_ = std::move(session);
    opened.open();
    answers();
  }
  std::string topic_at(std::uint16_t reactor) {
    for (int i = 0;; ++i) {
      const std::string topic = "open." + std::to_string(i);
      if (siphash13(shared_.topic_key, topic) % 2 == reactor) {
        return topic;
      }
    }
  }
  static std::string command(const std::string& topic, const std::string& id) {
    return R"({"op":"publish",)" + (id.empty() ? "" : R"("id":)" + id + ",") + R"("topic":")" +
           topic + R"(","data":{"a":1}})";
  }
  /// The answer with a question mark for the epoch.
  static std::string published(const std::string& topic, const std::string& id, int offset) {
    return R"({"op":"published","id":)" + id + R"(,"topic":")" + topic + R"(","message":"?-)" +
           std::to_string(offset) + "\"}";
  }
  std::vector<std::string> answers_without_epoch() {
    auto all = answers();
    for (std::string& answer : all) {
      if (const auto at = answer.find(R"("message":")"); at != std::string::npos) {
        answer.replace(at + 11, 8, "?");
      }
    }
    return all;
  }
};

TEST_F(Publish, IsAnsweredInTheCallWhereTheHomeIsHereAndLaterWhereItIsNot) {
  open(2);
  const std::string here = topic_at(0);
  const std::string far = topic_at(1);
  say(command(far, "1"));
  say(command(here, "\"two\""));
  say(command(far, ""));
  say(command(here, ""));
  say(command(here, "3"));
  EXPECT_THAT(answers_without_epoch(),
              ElementsAre(published(here, "\"two\"", 1), published(here, "3", 3)));
  rest();
  EXPECT_THAT(answers_without_epoch(), ElementsAre(published(far, "1", 1)));
  say(command(here, "4"));
  EXPECT_THAT(answers_without_epoch(), ElementsAre(published(here, "4", 4)));
}

TEST_F(Publish, TakesItsMembersInAnyOrderAndSpelling) {
  open();
  say(R"({"data":1,"id":7,"topic":"open.a","op":"publish"})");
  say(R"({"d\u0061ta":1,"\u0069d":7,"t\u006fpic":"open\u002ea","\u006fp":"publ\u0069sh"})");
  say(R"({"op":"publish","op":"ping","id":7,"id":8,"topic":"open.a","topic":"?","data":1})");
  EXPECT_THAT(answers_without_epoch(),
              ElementsAre(published("open.a", "7", 1), published("open.a", "7", 2),
                          published("open.a", "7", 3)));
}

TEST_F(Publish, SaysAnErrorInTheCallWithOrWithoutAnId) {
  open();
  hubs_[0]->set_limits({.topics = 0});
  say(command("open.a", "1"));
  say(command("open.a", ""));
  EXPECT_THAT(answers(), ElementsAre(HasSubstr(R"({"op":"error","id":1,)"),
                                     HasSubstr(R"({"op":"error","code":)")));
}

TEST_F(Publish, HoldsTheBoundOfNamesThoughTheTopicWasJustUsed) {
  open();
  say(command("open.a", "1"));
  answers();
  config_->limits.topic_bytes = 5;
  say(command("open.a", "2"));
  EXPECT_THAT(answers(), ElementsAre(HasSubstr(R"("id":2,"code":"bad_topic")")));
}

TEST_F(Publish, SaysNothingWhereNoAnswerWasAskedFor) {
  open();
  for (int i = 0; i < 100; ++i) {
    say(command("open.a", ""));
  }
  EXPECT_THAT(answers(), IsEmpty());
  EXPECT_EQ(hubs_[0]->counters().published, 100U);
}

}  // namespace
}  // namespace wspush::door::test
