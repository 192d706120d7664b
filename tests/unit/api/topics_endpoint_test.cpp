#include "api/topics_endpoint.hpp"

#include "unit/api/api_harness.hpp"

namespace wspush::api {
namespace {

class TopicsEndpoint : public ApiTest {
 protected:
  std::string id_of(Call& published) {
    const std::string text = published.text();
    return text.substr(7, text.find('"', 7) - 7);
  }
  std::string history(const std::string& query) {
    return send({.path = "/api/topics/a/messages" + query}).text();
  }
};

TEST_F(TopicsEndpoint, ListsTopicsByPrefix) {
  server.topics = {{.topic = "a\"b", .subscribers = 2}, {.topic = "c", .subscribers = 0}};
  EXPECT_EQ(send({.path = "/api/topics?prefix=a%2E&limit=7"}).text(),
            R"({"topics":[{"topic":"a\"b","subscribers":2},{"topic":"c","subscribers":0}]})");
  EXPECT_EQ(server.asked, "topics from 'a.', 7");
  EXPECT_EQ(send({.path = "/api/topics"}).status(), 200);
  EXPECT_EQ(server.asked, "topics from '', 1000");
  EXPECT_EQ(send({.path = "/api/topics?limit=10001"}).status(), 200);
  EXPECT_EQ(server.asked, "topics from '', 10000");
  EXPECT_EQ(send({.path = "/api/topics?limit=x"}).status(), 400);
  EXPECT_EQ(send({.path = "/api/topics?prefix=%FF"}).status(), 400);
}

TEST_F(TopicsEndpoint, ShowsAKeyOnlyItsOwnTopics) {
  config::Config config;
  config.internal.api_keys = {{.key = "k", .topics = {"news.*"}}};
  configure(std::move(config));
  server.topics = {{.topic = "a"}, {.topic = "news.1"}, {.topic = "news.2"}, {.topic = "news.3"}};
  Call& call = send({.path = "/api/topics?limit=2", .headers = "Authorization: Bearer k\r\n"});
  EXPECT_EQ(
      call.text(),
      R"({"topics":[{"topic":"news.1","subscribers":0},{"topic":"news.2","subscribers":0}]})");
  EXPECT_EQ(server.asked, "topics from '', 10000");
}

TEST_F(TopicsEndpoint, ViewsATopic) {
  const std::string id = id_of(publish("a", "text/plain", "hello"));
  const std::string text = send({.path = "/api/topics/a"}).text();
  EXPECT_TRUE(text.starts_with(R"({"topic":"a","subscribers":0,"members":0,"messages":1,"bytes":)"))
      << text;
  EXPECT_TRUE(text.ends_with(R"(,"last":")" + id + R"("})")) << text;
}

TEST_F(TopicsEndpoint, ReadsHistoryOfAllKinds) {
  const std::string one = id_of(publish("a", "application/json", R"({ "x": [1] })"));
  const std::string two = id_of(publish("a", "text/plain", "say \"hi\"", "Wspush-Key: K\r\n"));
  const std::string three = id_of(publish("a", "image/png", std::string("\xff\x00\x01", 3)));
  const std::string first = R"({"id":")" + one + R"(","data":{ "x": [1] }})";
  const std::string second = R"({"id":")" + two + R"(","key":"K","data":"say \"hi\""})";
  const std::string third = R"({"id":")" + three + R"(","encoding":"base64","data":"/wAB"})";
  const std::string end = R"(],"last":")" + three + R"("})";
  const std::string all = R"({"messages":[)" + first + "," + second + "," + third + end;
  EXPECT_EQ(history(""), all);
  EXPECT_EQ(history("?after=first"), all);
  EXPECT_EQ(history("?limit=2"), R"({"messages":[)" + second + "," + third + end);
  EXPECT_EQ(history("?after=" + one + "&limit=1"), R"({"messages":[)" + second + end);
  EXPECT_EQ(history("?after=" + three), R"({"messages":[)" + end);
}

TEST_F(TopicsEndpoint, TellsAGap) {
  const std::string id = id_of(publish("a", "text/plain", "x"));
  const std::string elsewhere = id[0] == '0' ? "1" + id.substr(1) : "0" + id.substr(1);
  EXPECT_TRUE(history("?after=" + elsewhere).ends_with(R"("last":")" + id + R"(","gap":true})"));
}

TEST_F(TopicsEndpoint, RefusesAnAfterOrLimitThatIsNone) {
  for (const char* query : {"?after=", "?after=x", "?limit=0", "?limit=-1", "?limit="}) {
    Call& call = send({.path = "/api/topics/a/messages" + std::string(query)});
    EXPECT_EQ(call.status(), 400) << query;
    EXPECT_EQ(code_in(call.text()), "bad_request") << query;
  }
}

TEST_F(TopicsEndpoint, ClearsALogIntoANewEpoch) {
  const std::string before = id_of(publish("a", "text/plain", "x"));
  Call& cleared = send({.method = "DELETE", .path = "/api/topics/a/messages"});
  EXPECT_EQ(cleared.status(), 204);
  EXPECT_EQ(kept("a"), "");
  const std::string after = id_of(publish("a", "text/plain", "y"));
  EXPECT_NE(before.substr(0, 8), after.substr(0, 8));
}

TEST_F(TopicsEndpoint, SaysWhenThereAreTooManyTopics) {
  hub.set_limits({.topics = 1});
  EXPECT_EQ(send({.path = "/api/topics/a"}).status(), 200);
  Call& call = send({.path = "/api/topics/b"});
  EXPECT_EQ(call.status(), 429);
  EXPECT_EQ(code_in(call.text()), "limit_exceeded");
}

}  // namespace
}  // namespace wspush::api
