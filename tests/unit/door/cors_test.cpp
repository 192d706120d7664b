#include "door/cors.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "http/request_parser.hpp"

namespace wspush::door {
namespace {

std::string value_of(const http::Response& response, std::string_view name) {
  std::string all;
  for (const auto& [key, value] : response.headers) {
    all += key == name ? (all.empty() ? "" : "|") + value : "";
  }
  return all;
}

/// Judges a request to push.test with these header lines.
Cors judge(const std::string& lines, std::vector<std::string> origins = {"same"}) {
  config::Config config;
  config.origins = std::move(origins);
  http::RequestHeadParser parser;
  const std::string text = "GET /topics/a HTTP/1.1\r\nHost: push.test\r\n" + lines + "\r\n";
  EXPECT_EQ(parser.parse(text), http::HeadStatus::kComplete);
  return judge_cors(parser.head(), config);
}

TEST(Cors, WithoutAnOriginThereIsNobodyToAsk) {
  const Cors cors = judge("");
  EXPECT_FALSE(cors.is_refused);
  http::Response response;
  add_cors_headers(cors, response);
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(value_of(response, "Vary"), "Origin");  // Caches do not give it to others.
}

TEST(Cors, AnAllowedOriginMayReadTheAnswer) {
  http::Response response;
  add_cors_headers(judge("Origin: http://push.test\r\n"), response);
  EXPECT_EQ(value_of(response, "Vary"), "Origin");
  EXPECT_EQ(value_of(response, "Access-Control-Allow-Origin"), "http://push.test");
  EXPECT_EQ(value_of(response, "Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(value_of(response, "Access-Control-Expose-Headers"), "Wspush-Last, Retry-After");
}

TEST(Cors, AStarIsAnsweredWithTheOriginItself) {
  // A literal * would forbid credentials.
  http::Response response;
  add_cors_headers(judge("Origin: https://any.test\r\n", {"*"}), response);
  EXPECT_EQ(value_of(response, "Access-Control-Allow-Origin"), "https://any.test");
}

TEST(Cors, OthersAreRefusedAndToldNothing) {
  for (const char* lines : {"Origin: http://evil.test\r\n", "Origin: null\r\n", "Origin:\r\n",
                            "Origin: http://push.test\r\nOrigin: http://push.test\r\n"}) {
    const Cors cors = judge(lines);
    EXPECT_TRUE(cors.is_refused) << lines;
    http::Response response;
    add_cors_headers(cors, response);
    EXPECT_EQ(value_of(response, "Access-Control-Allow-Origin"), "") << lines;
  }
}

TEST(Cors, APreflightNamesTheMethodAndTheHeadersOfReaders) {
  const http::Response response = preflight_response(judge("Origin: http://push.test\r\n"));
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(value_of(response, "Allow"), "GET, OPTIONS");
  EXPECT_EQ(value_of(response, "Access-Control-Allow-Methods"), "GET");
  EXPECT_EQ(value_of(response, "Access-Control-Allow-Headers"),
            "Authorization, Cache-Control, Last-Event-ID");
  EXPECT_EQ(value_of(response, "Access-Control-Allow-Origin"), "http://push.test");
  EXPECT_EQ(value_of(preflight_response(judge("")), "Access-Control-Allow-Methods"), "");
}

}  // namespace
}  // namespace wspush::door
