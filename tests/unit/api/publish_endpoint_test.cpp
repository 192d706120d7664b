#include "api/publish_endpoint.hpp"

#include "unit/api/api_harness.hpp"

namespace wspush::api {
namespace {

class PublishEndpoint : public ApiTest {
 protected:
  std::string history() { return send({.path = "/api/topics/a/messages"}).text(); }
};

TEST_F(PublishEndpoint, AnswersTheIdAndTheSubscribers) {
  Call& call = publish("a", "text/plain", "hello");
  EXPECT_EQ(call.status(), 201);
  EXPECT_EQ(call.exchange.response->content_type, "application/json");
  EXPECT_TRUE(call.text().starts_with(R"({"id":")")) << call.text();
  EXPECT_TRUE(call.text().ends_with(R"(-1","subscribers":0})")) << call.text();
  EXPECT_EQ(kept("a"), "hello");
}

TEST_F(PublishEndpoint, TakesTheKindFromContentType) {
  struct Row {
    const char* type;
    const char* data;
  };
  constexpr Row kRows[] = {
      {"application/json", R"("data":{"a":1})"},
      {"Application/JSON; charset=utf-8", R"("data":{"a":1})"},
      {"text/plain", R"("data":"{\"a\":1}")"},
      {"TEXT/html;charset=utf-8", R"("data":"{\"a\":1}")"},
      {"", R"("encoding":"base64","data":"eyJhIjoxfQ==")"},
      {"application/octet-stream", R"("encoding":"base64","data":"eyJhIjoxfQ==")"},
      {"application/x-www-form-urlencoded", R"("encoding":"base64","data":"eyJhIjoxfQ==")"},
      {"nonsense", R"("encoding":"base64","data":"eyJhIjoxfQ==")"},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(publish("a", row.type, R"({"a":1})").status(), 201) << row.type;
    EXPECT_NE(send({.path = "/api/topics/a/messages?limit=1"}).text().find(row.data),
              std::string::npos)
        << row.type;
  }
}

TEST_F(PublishEndpoint, KeepsAJsonBodyByteForByte) {
  const std::string body = " {\"a\" : 1e400 }\r\n";
  EXPECT_EQ(publish("a", "application/json", body).status(), 201);
  EXPECT_EQ(kept("a"), body);
}

TEST_F(PublishEndpoint, TakesAnEmptyTextOrBinaryMessage) {
  EXPECT_EQ(publish("a", "text/plain", "").status(), 201);
  EXPECT_EQ(publish("a", "", "").status(), 201);
  EXPECT_EQ(publish("a", "application/json", "").status(), 400);
}

TEST_F(PublishEndpoint, RefusesWhatIsNotWhatItSays) {
  Call& json = publish("a", "application/json", R"({"a":1,})");
  EXPECT_EQ(json.status(), 400);
  EXPECT_EQ(code_in(json.text()), "bad_request");
  EXPECT_NE(json.text().find("at byte 7"), std::string::npos) << json.text();
  Call& text = publish("a", "text/plain", "\xc3");
  EXPECT_EQ(text.status(), 400);
  EXPECT_EQ(code_in(text.text()), "bad_request");
  EXPECT_EQ(publish("a", "application/json", "\"\xff\"").status(), 400);
  EXPECT_EQ(kept("a"), "");
}

TEST_F(PublishEndpoint, GivesTheMessageItsKey) {
  const std::string longest(255, 'k');
  EXPECT_EQ(publish("a", "text/plain", "1", "Wspush-Key: AAPL\r\n").status(), 201);
  EXPECT_EQ(publish("a", "text/plain", "2", "Wspush-Key: " + longest + "\r\n").status(), 201);
  EXPECT_EQ(publish("a", "text/plain", "3", "Wspush-Key: \xc3\xa9\r\n").status(), 201);
  EXPECT_EQ(publish("a", "text/plain", "4", "Wspush-Key:\r\n").status(), 201);
  const std::string all = history();
  EXPECT_NE(all.find(R"("key":"AAPL","data":"1")"), std::string::npos) << all;
  EXPECT_NE(all.find(longest), std::string::npos);
  EXPECT_NE(all.find("\"key\":\"\xc3\xa9\",\"data\":\"3\""), std::string::npos);
  for (const std::string& bad :
       {"Wspush-Key: " + longest + "k\r\n", std::string("Wspush-Key: \xff\r\n"),
        std::string("Wspush-Key: a\r\nWspush-Key: b\r\n")}) {
    Call& call = publish("a", "text/plain", "5", bad);
    EXPECT_EQ(call.status(), 400) << bad;
    EXPECT_EQ(code_in(call.text()), "bad_request") << bad;
  }
}

TEST_F(PublishEndpoint, PublishesARepeatOnce) {
  const std::string headers = "Idempotency-Key: order-17\r\n";
  const std::string first = publish("a", "text/plain", "x", headers).text();
  EXPECT_EQ(publish("a", "text/plain", "y", headers).text(), first);
  EXPECT_EQ(kept("a"), "x");
  EXPECT_NE(publish("b", "text/plain", "y", headers).text(), first);
  EXPECT_EQ(kept("b"), "y");
  EXPECT_EQ(publish("a", "", "x", "Idempotency-Key: " + std::string(255, 'k') + "\r\n").status(),
            201);
  EXPECT_EQ(publish("a", "", "x", "Idempotency-Key: " + std::string(256, 'k') + "\r\n").status(),
            400);
  EXPECT_EQ(publish("a", "", "x", "Idempotency-Key:\r\n").status(), 400);
  EXPECT_EQ(publish("a", "", "x", "Idempotency-Key: a\r\nIdempotency-Key: a\r\n").status(), 400);
}

TEST_F(PublishEndpoint, HoldsTheRulesMessageBytes) {
  config::Config config;
  config.topics[0].message_bytes = 8;
  configure(std::move(config));
  EXPECT_EQ(publish("a", "text/plain", "12345678").status(), 201);
  EXPECT_EQ(limit_hits(metrics::Limit::kRuleMessageBytes), 0U);
  Call& announced = publish("a", "text/plain", "123456789");
  EXPECT_EQ(announced.status(), 413);
  EXPECT_EQ(code_in(announced.text()), "too_large");
  EXPECT_EQ(limit_hits(metrics::Limit::kRuleMessageBytes), 1U);
  EXPECT_EQ(publish("a", "text/plain", "12345678", "Transfer-Encoding: chunked\r\n").status(), 201);
  EXPECT_EQ(publish("a", "text/plain", "123456789", "Transfer-Encoding: chunked\r\n").status(),
            413);
  EXPECT_EQ(kept("a"), "12345678|12345678");
}

TEST_F(PublishEndpoint, HoldsTheBodyBytesOfTheApi) {
  config::Config config;
  config.limits.body_bytes = 4;
  configure(std::move(config));
  EXPECT_EQ(publish("a", "text/plain", "1234").status(), 201);
  EXPECT_EQ(publish("a", "text/plain", "12345").status(), 413);
  EXPECT_EQ(limit_hits(metrics::Limit::kBodyBytes), 1U);
}

TEST_F(PublishEndpoint, WaitsForAnAnswerThatComesLater) {
  engine.is_holding = true;
  Call& call = publish("a", "text/plain", "x");
  EXPECT_FALSE(call.is_answered());
  engine.order_newest_first();
  EXPECT_EQ(call.status(), 201);
}

TEST_F(PublishEndpoint, SaysWhatTheHubRefuses) {
  engine.is_holding = true;
  Call& unavailable = publish("a", "text/plain", "x");
  engine.refuse_newest_first();
  EXPECT_EQ(unavailable.status(), 503);
  EXPECT_EQ(code_in(unavailable.text()), "unavailable");
  EXPECT_EQ(unavailable.header("Retry-After"), "1");
  hub.set_limits({.topics = 1});
  Call& full = publish("b", "text/plain", "x");
  EXPECT_EQ(full.status(), 429);
  EXPECT_EQ(code_in(full.text()), "limit_exceeded");
}

TEST_F(PublishEndpoint, AnswersAReceiptWhenTheFanOutIsOver) {
  Call& call = send({.method = "POST",
                     .path = "/api/topics/a/messages?receipt=written",
                     .type = "text/plain",
                     .body = "x"});
  EXPECT_FALSE(call.is_answered());
  EXPECT_EQ(kept("a"), "x");
  hub.settle_receipts();
  EXPECT_EQ(call.status(), 201);
  EXPECT_NE(call.text().find(R"(,"subscribers":0,"written":0})"), std::string::npos);
}

TEST_F(PublishEndpoint, RefusesOtherReceipts) {
  for (const char* query : {"?receipt=read", "?receipt=", "?receipt", "?receipt=Written",
                            "?receipt=written&receipt=written"}) {
    Call& call = send({.method = "POST",
                       .path = std::string("/api/topics/a/messages") + query,
                       .type = "text/plain",
                       .body = "x"});
    EXPECT_EQ(call.status(), 400) << query;
    EXPECT_EQ(code_in(call.text()), "bad_request") << query;
  }
  for (const char* type : {"application/json", "application/x-ndjson"}) {
    Call& many = send({.method = "POST",
                       .path = "/api/messages?receipt=written",
                       .type = type,
                       .body = R"({"messages":[{"topic":"a","text":"x"}]})"});
    EXPECT_EQ(many.status(), 400) << type;
  }
  EXPECT_EQ(kept("a"), "");
}

}  // namespace
}  // namespace wspush::api
