#include "auth/revocations.hpp"

#include <chrono>
#include <optional>

#include <gtest/gtest.h>

namespace wspush::auth {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kNow{hours(1)};
constexpr WallTime kWall{milliseconds(1'800'000'000'500)};

Identity identity_of(std::string user, std::optional<WallTime> issued_at,
                     std::string token_id = {}) {
  Identity identity;
  identity.user = std::move(user);
  identity.issued_at = issued_at;
  identity.token_id = std::move(token_id);
  return identity;
}

TEST(Revocations, CoverWhatTheUserWasGivenBefore) {
  Revocations table;
  EXPECT_FALSE(table.covers(identity_of("u", {}), kNow));
  ASSERT_TRUE(table.revoke_user("u", kWall, kNow + seconds(60), kNow));
  EXPECT_TRUE(table.covers(identity_of("u", {}), kNow)) << "it does not say when";
  EXPECT_TRUE(table.covers(identity_of("u", kWall - milliseconds(1)), kNow));
  EXPECT_TRUE(table.covers(identity_of("u", kWall - milliseconds(500)), kNow)) << "the same second";
  EXPECT_FALSE(table.covers(identity_of("u", kWall), kNow));
  EXPECT_FALSE(table.covers(identity_of("u", kWall + seconds(1)), kNow));
  EXPECT_FALSE(table.covers(identity_of("v", {}), kNow));
  EXPECT_FALSE(table.covers(identity_of("v", {}, "u"), kNow)) << "a jti is no user";
}

TEST(Revocations, CoverOneToken) {
  Revocations table;
  ASSERT_TRUE(table.revoke_token("t", kNow + seconds(60), kNow));
  EXPECT_TRUE(table.covers(identity_of("u", kWall + hours(9), "t"), kNow));
  EXPECT_FALSE(table.covers(identity_of("u", {}, "t2"), kNow));
  EXPECT_FALSE(table.covers(identity_of("u", {}), kNow));
  EXPECT_FALSE(table.covers(identity_of("t", {}), kNow));
}

TEST(Revocations, EndWhenTheyExpire) {
  Revocations table;
  ASSERT_TRUE(table.revoke_user("u", kWall, kNow + seconds(60), kNow));
  ASSERT_TRUE(table.revoke_token("t", kNow + seconds(60), kNow));
  for (const Identity& who : {identity_of("u", {}), identity_of("v", {}, "t")}) {
    EXPECT_TRUE(table.covers(who, kNow + seconds(60) - milliseconds(1)));
    EXPECT_FALSE(table.covers(who, kNow + seconds(60)));
  }
}

TEST(Revocations, NeverCoverLessAfterASecondOne) {
  Revocations table;
  ASSERT_TRUE(table.revoke_user("u", kWall, kNow + seconds(60), kNow));
  ASSERT_TRUE(table.revoke_user("u", kWall + seconds(5), kNow + seconds(10), kNow));
  EXPECT_TRUE(table.covers(identity_of("u", kWall + seconds(4)), kNow));
  EXPECT_TRUE(table.covers(identity_of("u", kWall - seconds(1)), kNow + seconds(59)));
  ASSERT_TRUE(table.revoke_token("t", kNow + seconds(60), kNow));
  ASSERT_TRUE(table.revoke_token("t", kNow + seconds(10), kNow));
  EXPECT_TRUE(table.covers(identity_of("v", {}, "t"), kNow + seconds(59)));
  EXPECT_EQ(table.size(), 2U);
}

TEST(Revocations, RefuseMoreRatherThanForgetOne) {
  Revocations table;
  for (std::size_t i = 0; i < Revocations::kEntriesMax; ++i) {
    const std::string name = "n" + std::to_string(i);
    ASSERT_TRUE(i % 2 == 0 ? table.revoke_user(name, kWall, kNow + seconds(60), kNow)
                           : table.revoke_token(name, kNow + seconds(i == 1 ? 30 : 60), kNow));
  }
  EXPECT_FALSE(table.revoke_user("one more", kWall, kNow + seconds(60), kNow));
  EXPECT_FALSE(table.revoke_token("one more", kNow + seconds(60), kNow));
  EXPECT_FALSE(table.covers(identity_of("one more", {}), kNow));
  EXPECT_TRUE(table.covers(identity_of("n0", {}), kNow));
  EXPECT_TRUE(table.revoke_user("n0", kWall + seconds(1), kNow + seconds(60), kNow))
      << "it has its place";
  EXPECT_TRUE(table.revoke_user("one more", kWall, kNow + seconds(90), kNow + seconds(30)))
      << "one has expired";
  EXPECT_EQ(table.size(), Revocations::kEntriesMax);
}

TEST(Revocations, LetGoOfWhatHasExpired) {
  Revocations table;
  ASSERT_TRUE(table.revoke_user("u", kWall, kNow + seconds(60), kNow));
  ASSERT_TRUE(table.revoke_token("t", kNow + hours(1), kNow));
  ASSERT_TRUE(table.revoke_token("t2", kNow + hours(1), kNow + seconds(61)));
  EXPECT_EQ(table.size(), 2U);
}

}  // namespace
}  // namespace wspush::auth
