#include "api/rfc3339.hpp"

#include <gtest/gtest.h>

namespace wspush::api {
namespace {

std::string at(std::int64_t milliseconds_since_epoch) {
  return rfc3339_utc(WallTime(std::chrono::milliseconds(milliseconds_since_epoch)));
}

TEST(Rfc3339, WritesMillisecondsInUtc) {
  EXPECT_EQ(at(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(at(951'782'399'007), "2000-02-28T23:59:59.007Z");
  EXPECT_EQ(at(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(at(1'784'021'405'250), "2026-07-14T09:30:05.250Z");
}

TEST(Rfc3339, StaysWithinFourDigitsOfYear) {
  EXPECT_EQ(at(-1), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(at(253'402'300'799'999), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(at(253'402'300'800'000), "9999-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace wspush::api
