#include "api/query.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush::api {
namespace {

http::RequestTarget target_of(const std::string& query) {
  auto target = http::RequestTarget::parse("GET", "/x?" + query);
  EXPECT_TRUE(target.has_value());
  return target ? std::move(*target) : http::RequestTarget();
}

std::string limit_of(const std::string& query) {
  const auto limit = read_limit(target_of(query), {.if_absent = 100, .max = 300});
  return limit ? std::to_string(*limit) : std::string(limit.error().code);
}

std::string after_of(const std::string& query) {
  const auto after = read_after(target_of(query));
  if (!after) {
    return std::string(after.error().code);
  }
  switch (after->kind) {
    case hub::After::Kind::kNext:
      return "next";
    case hub::After::Kind::kFirst:
      return "first";
    case hub::After::Kind::kId:
      return hub::to_string(after->id);
    case hub::After::Kind::kPosition:
      return "position";
  }
  return "";
}

TEST(Query, ClipsALimitAndRefusesWhatIsNone) {
  EXPECT_EQ(limit_of(""), "100");
  EXPECT_EQ(limit_of("limit=1"), "1");
  EXPECT_EQ(limit_of("limit=299"), "299");
  EXPECT_EQ(limit_of("limit=300"), "300");
  EXPECT_EQ(limit_of("limit=301"), "300");
  EXPECT_EQ(limit_of("limit=99999999999999999999999"), "300");
  for (const char* bad : {"0", "", "-1", "+1", "1x", "x", "1.0", "%201", "1%20", "0x10",
                          "99999999999999999999999x"}) {
    EXPECT_EQ(limit_of("limit=" + std::string(bad)), "bad_request") << bad;
  }
}

TEST(Query, ReadsAfter) {
  EXPECT_EQ(after_of(""), "next");
  EXPECT_EQ(after_of("after=first"), "first");
  EXPECT_EQ(after_of("after=0000abcd-17"), "0000abcd-17");
  for (const char* bad : {"", "First", "17", "0000ABCD-17", "0000abcd-017", "0000abcd-"}) {
    EXPECT_EQ(after_of("after=" + std::string(bad)), "bad_request") << bad;
  }
}

}  // namespace
}  // namespace wspush::api
