#include "cli/subscriber.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Verdict = Subscriber::Verdict;

SubscribeOptions options_of(std::vector<std::string> topics) {
  return {.topics = std::move(topics), .count = {}, .after = {}};
}

std::string subscribed(const std::string& topic, const std::string& last,
                       const std::string& more = "") {
  return R"({"op":"subscribed","id":1,"topic":")" + topic + R"(","last":")" + last + "\"" + more +
         "}";
}

std::string message(const std::string& topic, const std::string& id, const std::string& data) {
  return R"({"op":"message","topic":")" + topic + R"(","id":")" + id + R"(","data":)" + data + "}";
}

struct Session {
  explicit Session(const SubscribeOptions& options) : subscriber(options) {}

  Verdict say(const std::string& text) { return subscriber.on_text(text, output); }

  Subscriber subscriber;
  Subscriber::Output output;
};

TEST(Subscriber, SubscribesAllTopicsWithOneCommand) {
  SubscribeOptions options = options_of({"a", "b\"c"});
  EXPECT_EQ(Subscriber(options).subscribe_command(),
            R"({"op":"subscribe","id":1,"topics":[{"topic":"a"},{"topic":"b\"c"}]})");
  options.after = "first";
  EXPECT_EQ(
      Subscriber(options).subscribe_command(),
      R"({"op":"subscribe","id":1,"topics":[{"topic":"a","after":"first"},{"topic":"b\"c","after":"first"}]})");
}

TEST(Subscriber, PrintsMessagesAndComesBackBehindThem) {
  Session session(options_of({"a", "b"}));
  session.subscriber.subscribe_command();
  EXPECT_EQ(session.say(R"({"op":"welcome","connection":"c","user":null,"ping_interval":20})"),
            Verdict::kGoOn);
  EXPECT_EQ(session.subscriber.ping_interval(), std::chrono::seconds(20));
  session.say(subscribed("a", "00000001-4"));
  EXPECT_FALSE(session.subscriber.was_ever_subscribed());
  session.say(subscribed("b", "00000002-0"));
  EXPECT_TRUE(session.subscriber.was_ever_subscribed());
  EXPECT_EQ(session.say(message("a", "00000001-5", "{\"x\": 1}")), Verdict::kGoOn);
  EXPECT_EQ(session.say(R"({"op":"pong","id":2})"), Verdict::kGoOn);
  EXPECT_EQ(session.say(R"({"op":"something new"})"), Verdict::kGoOn);
  EXPECT_EQ(session.output.lines, "{\"x\": 1}\n");
  EXPECT_THAT(session.output.notes, IsEmpty());
  EXPECT_EQ(
      session.subscriber.subscribe_command(),
      R"({"op":"subscribe","id":1,"topics":[{"topic":"a","after":"00000001-5"},{"topic":"b","after":"00000002-0"}]})");
  EXPECT_FALSE(session.subscriber.is_subscribed()) << "not on the new connection";
}

TEST(Subscriber, PrintsNothingTwice) {
  Session session(options_of({"a"}));
  session.say(subscribed("a", "00000001-4"));
  session.say(message("a", "00000001-5", "5"));
  session.say(message("a", "00000001-5", "5"));
  session.say(message("a", "00000001-6", "6"));
  EXPECT_EQ(session.output.lines, "5\n6\n");
}

TEST(Subscriber, IsDoneAfterCountAndPrintsNoMore) {
  SubscribeOptions options = options_of({"a"});
  options.count = 2;
  Session session(options);
  session.say(subscribed("a", "00000001-0"));
  EXPECT_EQ(session.say(message("a", "00000001-1", "1")), Verdict::kGoOn);
  EXPECT_EQ(session.say(message("a", "00000001-1", "1")), Verdict::kGoOn) << "does not count twice";
  EXPECT_EQ(session.say(message("a", "00000001-2", "2")), Verdict::kDone);
  EXPECT_EQ(session.say(message("a", "00000001-3", "3")), Verdict::kDone);
  EXPECT_EQ(session.output.lines, "1\n2\n");
}

TEST(Subscriber, TellsWhatIsLostAndGoesOn) {
  Session session(options_of({"a"}));
  session.say(subscribed("a", "00000001-4"));
  EXPECT_EQ(session.say(R"({"op":"gap","topic":"a","after":"00000001-4","next":"00000001-9"})"),
            Verdict::kGoOn);
  EXPECT_EQ(session.say(message("a", "00000001-9", "9")), Verdict::kGoOn);
  EXPECT_EQ(session.say(subscribed("a", "00000002-3", R"(,"recovered":false)")), Verdict::kGoOn);
  EXPECT_THAT(session.output.notes,
              ElementsAre(HasSubstr("after 00000001-4 are lost"), HasSubstr("after 00000001-9")));
  EXPECT_EQ(session.output.lines, "9\n");
}

TEST(Subscriber, IsRefusedWithTheServersWords) {
  Session session(options_of({"closed.x"}));
  EXPECT_EQ(
      session.say(
          R"({"op":"error","id":1,"topic":"closed.x","code":"forbidden","message":"not admitted"})"),
      Verdict::kRefused);
  EXPECT_THAT(session.output.notes, ElementsAre("\"closed.x\": not admitted (forbidden)"));
}

TEST(Subscriber, ComesBackLaterOnlyForWhatPassesAndOnlyIfItWasSubscribed) {
  const std::string unavailable =
      R"({"op":"error","id":1,"topic":"a","code":"unavailable","message":"no broker"})";
  Session session(options_of({"a"}));
  EXPECT_EQ(session.say(unavailable), Verdict::kRefused);
  session.say(subscribed("a", "00000001-4"));
  EXPECT_EQ(session.say(unavailable), Verdict::kComeBack);
  EXPECT_EQ(session.say(R"({"op":"error","id":1,"topic":"a","code":"forbidden","message":"no"})"),
            Verdict::kRefused);
}

TEST(Subscriber, TakesAnErrorOfAnotherCommandAsANote) {
  Session session(options_of({"a"}));
  EXPECT_EQ(session.say(R"({"op":"error","code":"rate_limited","message":"slower"})"),
            Verdict::kGoOn);
  EXPECT_EQ(session.say(R"({"op":"error","id":2,"code":"rate_limited","message":"slower"})"),
            Verdict::kGoOn);
  EXPECT_EQ(session.output.notes.size(), 2U);
}

TEST(Subscriber, EndsWhenARightIsWithdrawn) {
  Session session(options_of({"a"}));
  session.say(subscribed("a", "00000001-4"));
  EXPECT_EQ(session.say(R"({"op":"unsubscribed","topic":"a","code":"forbidden"})"),
            Verdict::kRefused);
  EXPECT_THAT(session.output.notes, ElementsAre(HasSubstr("forbidden")));
}

TEST(Subscriber, RefusesAnotherProtocol) {
  for (const char* text : {"hello", "{}", "[]", R"({"op":1})"}) {
    Session session(options_of({"a"}));
    EXPECT_EQ(session.say(text), Verdict::kRefused) << text;
    EXPECT_EQ(session.output.notes.size(), 1U);
  }
}

TEST(Subscriber, TakesNoPingIntervalThatMakesNoSense) {
  for (const char* interval : {"0", "-1", "1e300", "\"x\"", "null", "0.0001"}) {
    Session session(options_of({"a"}));
    session.say(std::string(R"({"op":"welcome","ping_interval":)") + interval + "}");
    EXPECT_EQ(session.subscriber.ping_interval(), std::chrono::seconds(50)) << interval;
  }
  Session session(options_of({"a"}));
  session.say(R"({"op":"welcome","ping_interval":0.25})");
  EXPECT_EQ(session.subscriber.ping_interval(), std::chrono::milliseconds(250));
}

TEST(Subscriber, PrintsWhatComesByAPattern) {
  Session session(options_of({"a.*"}));
  session.say(subscribed("a.*", "p1"));
  session.say(
      R"({"op":"message","topic":"a.x","pattern":"a.*","position":"p2","id":"00000001-1","data":1})");
  EXPECT_EQ(session.output.lines, "1\n");
  EXPECT_THAT(session.subscriber.subscribe_command(), HasSubstr(R"({"topic":"a.*","after":"p2"})"));
}

}  // namespace
}  // namespace wspush::cli
