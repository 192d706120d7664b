#include "api/batch_endpoint.hpp"

#include "base/json.hpp"
#include "unit/api/api_harness.hpp"

namespace wspush::api {
namespace {

class BatchEndpoint : public ApiTest {
 protected:
  Call& batch(const std::string& body) {
    return send(
        {.method = "POST", .path = "/api/messages", .type = "application/json", .body = body});
  }

  /// The results as one word each: the offset of an id, or the error's code.
  static std::string results(const std::string& body) {
    const auto object = parse_json_object(body);
    EXPECT_TRUE(object.has_value()) << body;
    const JsonValue* const list = object->find("results");
    EXPECT_NE(list, nullptr) << body;
    std::string out;
    std::string scratch;
    for (const JsonValue& element : list->elements()) {
      const JsonObject result = element.as_object();
      if (const JsonValue* const error = result.find("error")) {
        out += std::string(error->as_object().find("code")->string(scratch)) + " ";
      } else {
        const std::string id(result.find("id")->string(scratch));
        out += id.substr(id.find('-') + 1) + " ";
      }
    }
    return out;
  }
};

TEST_F(BatchEndpoint, AnswersForEachMessageInOrder) {
  Call& call = batch(R"({"messages":[{"topic":"a","data":1},{"topic":"b","text":"x"},)"
                     R"({"topic":"a","base64":"aGV5"},{"topic":"*","data":1},7,{"topic":"a"},)"
                     R"({"topic":"a","data":{"n":2},"key":"k"}]})");
  EXPECT_EQ(call.status(), 200);
  EXPECT_EQ(results(call.text()), "1 1 2 bad_topic bad_request bad_request 3 ");
  EXPECT_EQ(kept("a"), R"(1|hey|{"n":2})");
  EXPECT_EQ(kept("b"), "x");
}

TEST_F(BatchEndpoint, KeepsOrderWhenAnswersComeInAnother) {
  engine.is_holding = true;
  Call& call = batch(R"({"messages":[{"topic":"a","data":1},{"topic":"?","data":1},)"
                     R"({"topic":"b","data":1},{"topic":"c","data":1},{"topic":"c","data":2}]})");
  EXPECT_FALSE(call.is_answered());
  ASSERT_EQ(engine.held.size(), 4U);
  EXPECT_EQ(engine.held[2].draft->payload(), "1");  // One topic's keep their order.
  EXPECT_EQ(engine.held[3].draft->payload(), "2");
  engine.order_newest_first();
  EXPECT_EQ(results(call.text()), "1 bad_topic 1 2 1 ");
}

TEST_F(BatchEndpoint, TellsApartWhatTheHubRefused) {
  engine.is_holding = true;
  Call& call = batch(R"({"messages":[{"topic":"a","data":1},{"topic":"b","data":1}]})");
  engine.order_oldest();
  EXPECT_FALSE(call.is_answered());
  engine.refuse_newest_first();
  EXPECT_EQ(results(call.text()), "1 unavailable ");
}

TEST_F(BatchEndpoint, TakesAnEmptyBatch) {
  EXPECT_EQ(batch(R"({"messages":[]})").text(), R"({"results":[]})");
}

TEST_F(BatchEndpoint, RefusesABodyThatIsNoBatch) {
  for (const char* body : {"", "{", "[]", "7", "{}", R"({"messages":{}})", R"({"messages":null})",
                           R"({"messages":[],})", "{\"messages\":[\xff]}"}) {
    Call& call = batch(body);
    EXPECT_EQ(call.status(), 400) << body;
    EXPECT_EQ(code_in(call.text()), "bad_request") << body;
  }
  EXPECT_NE(batch(R"({"messages":[1,]})").text().find("at byte 15"), std::string::npos);
}

TEST_F(BatchEndpoint, TakesTwoContentTypesOnly) {
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded"}) {
    Call& call = send({.method = "POST", .path = "/api/messages", .type = type, .body = "{}"});
    EXPECT_EQ(call.status(), 415) << type;
    EXPECT_EQ(code_in(call.text()), "unsupported_media_type") << type;
  }
}

TEST_F(BatchEndpoint, HoldsItsNumberOfMessages) {
  std::string body = R"({"messages":[0)";
  for (std::size_t i = 1; i < kBatchMessagesMax; ++i) {
    body += ",0";
  }
  EXPECT_EQ(batch(body + "]}").status(), 200);
  Call& call = batch(body + ",0]}");
  EXPECT_EQ(call.status(), 413);
  EXPECT_EQ(code_in(call.text()), "too_large");
}

TEST_F(BatchEndpoint, HoldsTheBodyBytes) {
  config::Config config;
  config.limits.body_bytes = 16;
  configure(std::move(config));
  EXPECT_EQ(batch(R"({"messages":[ ]})").status(), 200);
  EXPECT_EQ(batch(R"({"messages":[  ]})").status(), 413);
  EXPECT_EQ(limit_hits(metrics::Limit::kBodyBytes), 1U);
}

TEST_F(BatchEndpoint, HoldsAKeyToItsTopics) {
  config::Config config;
  config.internal.api_keys = {{.key = "k", .topics = {"news.>"}}};
  configure(std::move(config));
  Call& call =
      send({.method = "POST",
            .path = "/api/messages",
            .type = "application/json",
            .headers = "Authorization: Bearer k\r\n",
            .body = R"({"messages":[{"topic":"a","data":1},{"topic":"news.a","data":2}]})"});
  EXPECT_EQ(results(call.text()), "forbidden 1 ");
  EXPECT_EQ(kept("a"), "");
}

}  // namespace
}  // namespace wspush::api
