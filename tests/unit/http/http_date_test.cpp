#include "http/http_date.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace wspush::http {
namespace {

std::string date_of(std::int64_t milliseconds) {
  return http_date(WallTime(std::chrono::milliseconds(milliseconds)));
}

TEST(HttpDate, WritesTheFormOfTheRfc) {
  EXPECT_EQ(date_of(784111777000), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date_of(784111777999), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date_of(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date_of(951782400000), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(date_of(1735689599000), "Tue, 31 Dec 2024 23:59:59 GMT");
}

TEST(HttpDate, StaysWithinItsYears) {
  EXPECT_EQ(date_of(-1), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date_of(253402300799999), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(date_of(253402300800000), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(HttpDateClock, SaysTheSecondThatItIsAskedFor) {
  HttpDateClock clock;
  const auto at = [&](std::int64_t milliseconds) {
    return clock.at(WallTime(std::chrono::milliseconds(milliseconds)));
  };
  EXPECT_EQ(at(-1), date_of(-1));
  EXPECT_EQ(at(784111777000), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(at(784111777999), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(at(784111778000), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(at(784111777000), "Sun, 06 Nov 1994 08:49:37 GMT");  // The clock was set back.
}

}  // namespace
}  // namespace wspush::http
