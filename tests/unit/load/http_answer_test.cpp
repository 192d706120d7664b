#include "load/http_answer.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush::load {
namespace {

TEST(HttpAnswer, IsTakenAtEverySplit) {
  const std::string text = "HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nabcHTTP";
  const std::size_t whole = text.size() - 4;
  HttpAnswer answer;
  for (std::size_t cut = 0; cut < whole; ++cut) {
    std::string_view left = std::string_view(text).substr(0, cut);
    ASSERT_EQ(take_http_answer(left, answer), HttpStatus::kNeedMore) << cut;
    ASSERT_EQ(left.size(), cut);
  }
  std::string_view left = text;
  ASSERT_EQ(take_http_answer(left, answer), HttpStatus::kWhole);
  EXPECT_EQ(answer.status_line, "HTTP/1.1 201 Created");
  EXPECT_EQ(answer.body, "abc");
  EXPECT_TRUE(answer.is_success());
  EXPECT_EQ(answer.summary(), "HTTP/1.1 201 Created abc");
  EXPECT_EQ(left, "HTTP");
}

TEST(HttpAnswer, IsRefusedWithoutAUsableLength) {
  HttpAnswer answer;
  for (std::string_view bad :
       {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"}) {
    EXPECT_EQ(take_http_answer(bad, answer), HttpStatus::kRefused) << bad;
  }
}

TEST(HttpAnswer, HasNumbersInItsBody) {
  EXPECT_EQ(find_json_number(R"({"published":12,"failed":0})", "published"), 12U);
  EXPECT_EQ(find_json_number(R"({"published":12})", "failed"), 0U);
  EXPECT_EQ(find_json_number(R"({"failed":"x"})", "failed"), 0U);
}

TEST(HttpAnswer, IsAskedForWithTheKeyBehindThePrefix) {
  Options options;
  options.api.emplace();
  options.api->authority = "h:1";
  options.api->path = "/p";
  options.api_key = "k";
  std::string out;
  append_post_head(out, options, "/api/messages", "text/plain", "Content-Length: 0");
  EXPECT_EQ(out,
            "POST /p/api/messages HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer k\r\n"
            "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace
}  // namespace wspush::load
