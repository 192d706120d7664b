#include <sstream>

#include "unit/hub/hub_rig.hpp"

namespace wspush::hub::test {
namespace {

using std::chrono::seconds;

class Feeds : public HubRig {
 protected:
  /// Of the last subscription in the client's stream.
  static FeedPosition position_in(const Client& client) {
    std::istringstream in(client.stream.substr(client.stream.rfind("Q ")));
    std::string kind;
    std::string feed;
    std::string position;
    in >> kind >> feed >> position;
    return parse_feed_position(position).value_or(FeedPosition{});
  }
  static SubscribeOptions after(const FeedPosition& position) {
    return {.after = {.kind = After::Kind::kPosition, .id = {}, .position = position}};
  }
  void pass_over_the_linger() {
    now_ += seconds(6);
    rest();
    for (int i = 0; i < 101; ++i) {
      hub(0).sweep();
    }
    rest();
  }
};

TEST_F(Feeds, GoesOnAfterAPositionOlderThanTheFeedWhoseHomeAnsweredLate) {
  start(2);
  const std::string here = topic_at(0);
  const std::string there = topic_at(1);
  const std::string feed = feed_name(std::vector<std::string>{here, there});
  Client& first = connect(0);
  subscribe(0, feed);
  rest();
  const FeedPosition position = position_in(first);
  at(0).unsubscribe(0, feed);
  pass_over_the_linger();
  publish(there, "missed");
  rest();
  // The next one opens the feed anew; this comes before the other home has answered.
  Client& second = connect(1);
  subscribe(1, feed, 0, {.after = {.kind = After::Kind::kFirst}});
  publish(here, "early");
  rest();
  EXPECT_EQ(payloads(second), " missed early");
  for (int i = 0; i < 101; ++i) {
    hub(0).sweep();  // Nobody lags: the ring is emptied.
  }
  subscribe(0, feed, 0, after(position));
  rest();
  const std::string got = payloads(first);
  EXPECT_TRUE(got == " early missed" || got == " missed early") << got;
}

TEST_F(Feeds, ForgetsWhatWasPreparedForASubscriptionThatIsThereAlready) {
  start(1);
  rules_.rules["p.a"].match = "p.a";
  Client& client = connect(0);
  subscribe(0, "p.*");
  rest();
  const FeedPosition position = position_in(client);
  publish("p.a", "1");
  rest();
  subscribe(0, "p.*", 0, after(position));  // It is subscribed already.
  rest();
  at(0).unsubscribe(0, "p.*");
  pass_over_the_linger();
  EXPECT_EQ(shared_.topics.load(), 1U) << "the feed is kept for nobody";
}

TEST_F(Feeds, TellsOfWhatIsDroppedBetweenTwoPiecesThoughItHasToldOfALossBefore) {
  start(1);
  rule("p.a").history.messages = 2;
  rule("p.b").history.bytes = 4 * kPieceBytesMax;
  Client& client = connect(0);
  subscribe(0, "p.*");
  rest();
  const FeedPosition position = position_in(client);
  at(0).unsubscribe(0, "p.*");
  publish("p.b", std::string(kPieceBytesMax, 'b'));  // The first piece has nothing more.
  for (const char* payload : {"1", "2", "3"}) {
    publish("p.a", payload);
  }
  rest();
  client.reader = Reader::kFlaky;
  client.is_full = true;
  subscribe(0, "p.*", 0, after(position));  // "1" is lost, which it is told.
  rest();
  publish("p.a", "4");
  publish("p.a", "5");  // Now "2" and "3" are.
  client.reader = Reader::kPerfect;
  at(0).unblock(0);
  rest();
  const std::string got = payloads(client);
  EXPECT_EQ(got.substr(got.rfind('b') + 1), " K 4 5");
}

TEST_F(Feeds, TellsOfWhatIsDroppedBetweenTwoPiecesThoughItLiesBeforeALossThatWasTold) {
  start(1);
  rule("p.a").history.messages = 1;
  rule("p.b").history.bytes = 4 * kPieceBytesMax;
  rule("p.c").history.messages = 2;
  Client& client = connect(0);
  subscribe(0, "p.*");
  rest();
  const FeedPosition position = position_in(client);
  at(0).unsubscribe(0, "p.*");
  publish("p.b", std::string(kPieceBytesMax, 'b'));  // The first piece has nothing more.
  publish("p.c", "1");
  publish("p.c", "2");
  publish("p.a", "x");
  publish("p.a", "y");
  rest();
  client.reader = Reader::kFlaky;
  client.is_full = true;
  subscribe(0, "p.*", 0, after(position));  // "x" is lost, which it is told.
  rest();
  publish("p.c", "3");
  publish("p.c", "4");  // Now "1" and "2" are.
  client.reader = Reader::kPerfect;
  at(0).unblock(0);
  rest();
  const std::string got = payloads(client);
  EXPECT_EQ(got.substr(got.rfind('b') + 1), " K y 3 4");
}

TEST_F(Feeds, CountsAmongTheTopics) {
  start(1);
  hub().set_limits({.topics = 1});
  connect(0);
  subscribe(0, "p.*");
  subscribe(0, "q.*");
  rest();
  EXPECT_TRUE(hub().is_subscribed(0, "p.*"));
  EXPECT_FALSE(hub().is_subscribed(0, "q.*"));
  EXPECT_EQ(hub().counters().topic_limit_hits, 1U);
}

}  // namespace
}  // namespace wspush::hub::test
