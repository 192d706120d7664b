#include "api/ndjson_endpoint.hpp"

#include "unit/api/api_harness.hpp"

namespace wspush::api {
namespace {

class NdjsonEndpoint : public ApiTest {
 protected:
  Call& stream(const std::string& headers = {}) {
    return start({.method = "POST",
                  .path = "/api/messages",
                  .type = "application/x-ndjson",
                  .headers = headers + "Transfer-Encoding: chunked\r\n"});
  }

  static std::string line(const std::string& topic, int number) {
    return R"({"topic":")" + topic + R"(","data":)" + std::to_string(number) + "}\n";
  }

  /// The errors as "line:code " each.
  static std::string errors(const std::string& body) {
    std::string out;
    std::string rest = body;
    const std::string key = R"({"line":)";
    for (std::size_t at = rest.find(key); at != std::string::npos; at = rest.find(key)) {
      rest = rest.substr(at + key.size());
      out += rest.substr(0, rest.find(',')) + ":" + code_in(rest) + " ";
    }
    return out;
  }
};

TEST_F(NdjsonEndpoint, PublishesALineWhenItArrives) {
  Call& call = stream();
  call.body(R"({"topic":"a","data":1})");
  EXPECT_EQ(kept("a"), "");
  call.body("\n{\"topic\"");
  EXPECT_EQ(kept("a"), "1");
  call.body(":\"a\",\"data\":2}\n");
  EXPECT_EQ(kept("a"), "1|2");
  EXPECT_FALSE(call.is_answered());
  call.end();
  EXPECT_EQ(call.status(), 200);
  EXPECT_EQ(call.text(), R"({"published":2,"failed":0,"errors":[]})");
}

TEST_F(NdjsonEndpoint, AnswersTheSameHoweverTheBodyIsCut) {
  config::Config config;
  config.limits.message_bytes = 32;
  configure(config);
  const std::string body =
      "{\"topic\":\"T\",\"data\":1}\r\n\n \t\r\n{\"topic\":\"T\",\"data\":}\n"
      "{\"topic\":\"T\",\"text\":\"0123456789ab\"}\n{\"topic\":\"?\",\"data\":1}\n"
      "{\"topic\":\"T\",\"text\":\"1234567\"}\n[]\n{\"topic\":\"T\",\"base64\":\"aGV5\"}";
  const std::string expected = R"({"published":3,"failed":4,"errors":[{"line":4,"error":{)";
  for (std::size_t first = 0; first <= body.size(); ++first) {
    for (std::size_t second = first; second <= body.size(); second += 3) {
      Call& call = stream();
      call.body(body.substr(0, first));
      call.body(body.substr(first, second - first));
      call.body(body.substr(second));
      call.end();
      ASSERT_TRUE(call.text().starts_with(expected)) << first << " " << call.text();
      ASSERT_EQ(errors(call.text()), "4:bad_request 5:too_large 6:bad_topic 8:bad_request ")
          << first << " " << second;
      ASSERT_EQ(kept("T"), "1|1234567|hey") << first << " " << second;
      send({.method = "DELETE", .path = "/api/topics/T/messages"});
    }
  }
  EXPECT_GT(limit_hits(metrics::Limit::kMessageBytes), 0U);
}

TEST_F(NdjsonEndpoint, AnswersAtTheEndOfAllItsAnswers) {
  engine.is_holding = true;
  Call& call = stream();
  call.body(line("a", 1) + line("b", 1) + "x\n" + line("c", 1));
  engine.order_oldest();
  call.end();
  EXPECT_FALSE(call.is_answered());
  engine.refuse_newest_first();
  EXPECT_TRUE(call.text().starts_with(R"({"published":1,"failed":3,)")) << call.text();
  EXPECT_EQ(errors(call.text()), "2:unavailable 3:bad_request 4:unavailable ");
}

TEST_F(NdjsonEndpoint, AnswersForTheWholeLinesThatCameWhenTheServerEnds) {
  engine.is_holding = true;
  Call& call = stream();
  call.body(line("a", 1) + "x\n" + line("b", 2) + R"({"topic":"a","da)");
  call.ending();
  EXPECT_FALSE(call.is_answered()) << "two are still on their way";
  call.body("ta\":3}\n" + line("a", 4));
  engine.order_oldest();
  engine.order_oldest();
  EXPECT_TRUE(call.text().starts_with(R"({"published":2,"failed":1,)")) << call.text();
  EXPECT_EQ(kept("a"), "1");
}

TEST_F(NdjsonEndpoint, AnswersOnceWhenItsBodyEndsAfterThat) {
  engine.is_holding = true;
  Call& call = stream();
  call.body(line("a", 1) + R"({"topic":"a","data":2})");
  call.ending();
  call.end();
  EXPECT_FALSE(call.is_answered());
  engine.order_oldest();
  EXPECT_EQ(call.text(), R"({"published":1,"failed":0,"errors":[]})");
}

TEST_F(NdjsonEndpoint, TellsTheFirstHundredErrorsByLine) {
  engine.is_holding = true;
  Call& call = stream();
  std::string body;
  for (int i = 1; i <= 150; ++i) {
    body += line("a", i) + "bad\n";
  }
  call.body(body);
  call.end();
  engine.refuse_newest_first();
  EXPECT_TRUE(call.text().starts_with(R"({"published":0,"failed":300,)"));
  std::string expected;
  for (int i = 1; i <= 50; ++i) {
    expected +=
        std::to_string(2 * i - 1) + ":unavailable " + std::to_string(2 * i) + ":bad_request ";
  }
  EXPECT_EQ(errors(call.text()), expected);
}

TEST_F(NdjsonEndpoint, SlowsTheClientDownWhileAnswersAreMissing) {
  engine.is_holding = true;
  Call& call = stream();
  for (std::size_t i = 0; i < kStreamPendingMax; ++i) {
    call.body(line("a", 1));
  }
  EXPECT_FALSE(call.exchange.is_paused);
  call.body(line("a", 1));
  EXPECT_TRUE(call.exchange.is_paused);
  while (engine.held.size() > kStreamPendingMax / 2 + 1) {
    engine.order_oldest();
  }
  EXPECT_TRUE(call.exchange.is_paused);
  engine.order_oldest();
  EXPECT_FALSE(call.exchange.is_paused);
}

TEST_F(NdjsonEndpoint, GoesOnPastTheBodyBytesOfOtherRequests) {
  config::Config config;
  config.limits.body_bytes = 64;
  configure(config);
  Call& call = stream();
  for (int i = 0; i < 100; ++i) {
    call.body(line("a", i));
  }
  call.end();
  EXPECT_EQ(call.text(), R"({"published":100,"failed":0,"errors":[]})");
}

TEST_F(NdjsonEndpoint, HearsOfAReload) {
  config::Config config;
  config.internal.api_keys = {{.key = "k"}};
  configure(config);
  Call& call = stream("Authorization: Bearer k\r\n");
  call.body(line("a", 1));
  config.internal.api_keys = {{.key = "other"}};
  configure(config);
  call.body(line("a", 2));
  call.end();
  EXPECT_EQ(errors(call.text()), "2:forbidden ");
  EXPECT_EQ(kept("a"), "1");
}

TEST_F(NdjsonEndpoint, AsksTheRulesAgainWhenAReloadHasChangedThem) {
  config::Config config;
  config.topics = {config::TopicRule{.match = "a"}, config::TopicRule{.match = "b"}};
  configure(config);
  Call& call = stream();
  const std::string long_line = R"({"topic":"a","text":"0123456789"})";
  call.body(line("a", 1) + line("a", 2) + line("b", 1) + long_line + "\n");
  config.topics[0].message_bytes = 4;
  configure(config);
  call.body(line("a", 3) + long_line + "\n");
  config.topics = {config::TopicRule{.match = "b"}};
  configure(config);
  call.body(line("a", 4) + line("b", 2));
  call.end();
  EXPECT_EQ(errors(call.text()), "6:too_large 7:forbidden ");
  EXPECT_EQ(kept("b"), "1|2");
}

TEST_F(NdjsonEndpoint, TakesAnEmptyBody) {
  Call& call = stream();
  call.end();
  EXPECT_EQ(call.text(), R"({"published":0,"failed":0,"errors":[]})");
}

TEST_F(NdjsonEndpoint, PublishesNoLineThatTheClientDidNotEnd) {
  {
    Call& call = stream();
    call.body(R"({"topic":"a","data":1})");
    call.handler.reset();  // The client went away.
  }
  EXPECT_EQ(kept("a"), "");
}

}  // namespace
}  // namespace wspush::api
