#include "http/header_map.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/http/parsed_head.hpp"

namespace wspush::http {
namespace {

constexpr std::string_view kText =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive , Upgrade\r\nX: 1\r\nx: 2\r\n"
    "CONNECTION: Foo\r\n\r\n";

TEST(HeaderMap, FindsTheFirstLineOfANameWithoutCase) {
  ParsedHead head{std::string(kText)};
  ASSERT_TRUE(head.is_complete());
  EXPECT_EQ(head->headers.find("X"), "1");
  EXPECT_EQ(head->headers.find("x"), "1");
  EXPECT_EQ(head->headers.find("host"), "a");
  EXPECT_EQ(head->headers.find("Hos"), std::nullopt);
  EXPECT_EQ(head->headers.find(""), std::nullopt);
  EXPECT_TRUE(head->headers.contains("hOsT"));
  EXPECT_FALSE(head->headers.contains("Origin"));
}

TEST(HeaderMap, CountsAndVisitsAllLinesOfAName) {
  ParsedHead head{std::string(kText)};
  EXPECT_EQ(head->headers.size(), 5U);
  EXPECT_EQ(head->headers.count("x"), 2U);
  EXPECT_EQ(head->headers.count("y"), 0U);
  std::vector<std::string> values;
  head->headers.for_each("X", [&](std::string_view value) { values.emplace_back(value); });
  EXPECT_EQ(values, (std::vector<std::string>{"1", "2"}));
}

TEST(HeaderMap, TakesSeveralLinesAsOneList) {
  ParsedHead head{std::string(kText)};
  EXPECT_TRUE(head->headers.has_token("connection", "upgrade"));
  EXPECT_TRUE(head->headers.has_token("Connection", "Keep-Alive"));
  EXPECT_TRUE(head->headers.has_token("Connection", "foo"));
  EXPECT_FALSE(head->headers.has_token("Connection", "grade"));
  EXPECT_FALSE(head->headers.has_token("Connection", ""));
  EXPECT_FALSE(head->headers.has_token("Upgrade", "upgrade"));
}

TEST(HeaderMap, FollowsItsBytesWhenTheyAreCopied) {
  auto parsed = std::make_unique<ParsedHead>(std::string(kText));
  HeaderMap headers = (*parsed)->headers;
  parsed.reset();
  const std::string copy(kText);
  headers.set_base(copy.data());
  EXPECT_EQ(headers.find("host"), "a");
  EXPECT_EQ(headers.count("x"), 2U);
}

}  // namespace
}  // namespace wspush::http
