#include "engine/kept_revocations.hpp"

#include <string>

#include <gtest/gtest.h>

#include "engine/disk_record.hpp"
#include "unit/engine/fake_store.hpp"

namespace wspush::engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::FakeStore;

constexpr WallTime kNow{hours(480'000)};

class KeptRevocationsTest : public ::testing::Test {
 protected:
  bool keep(const Revocation& revocation, WallTime now = kNow) {
    const bool is_kept = table_.keep(store_, revocation, now);
    EXPECT_TRUE(store_.commit(true));
    return is_kept;
  }
  /// What another process finds.
  KeptRevocations reloaded(WallTime now = kNow) {
    KeptRevocations table;
    EXPECT_TRUE(table.load(store_, now));
    EXPECT_TRUE(store_.commit(true));
    return table;
  }

  FakeStore store_;
  KeptRevocations table_;
};

TEST_F(KeptRevocationsTest, AreFoundAgain) {
  EXPECT_TRUE(keep({.user = "u", .token_id = {}, .before = kNow, .until = kNow + hours(1)}));
  EXPECT_TRUE(keep({.user = {}, .token_id = "u", .before = kNow, .until = kNow + hours(2)}));
  const auto all = reloaded().all();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].token_id, "u");
  EXPECT_EQ(all[0].user, "");
  EXPECT_EQ(all[0].until, kNow + hours(2));
  EXPECT_EQ(all[1].user, "u");
  EXPECT_EQ(all[1].token_id, "");
  EXPECT_EQ(all[1].before, kNow);
  EXPECT_EQ(all[1].until, kNow + hours(1));
}

TEST_F(KeptRevocationsTest, CoverWhatEitherOfTwoDoes) {
  keep({.user = "u", .token_id = {}, .before = kNow, .until = kNow + hours(5)});
  keep({.user = "u", .token_id = {}, .before = kNow + hours(1), .until = kNow + hours(2)});
  const auto all = reloaded().all();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].before, kNow + hours(1));
  EXPECT_EQ(all[0].until, kNow + hours(5));
}

TEST_F(KeptRevocationsTest, GoWhenTheyHaveExpired) {
  keep({.user = "u", .token_id = {}, .before = kNow, .until = kNow + hours(1)});
  keep({.user = "v", .token_id = {}, .before = kNow, .until = kNow + hours(1) + milliseconds(1)});
  EXPECT_EQ(reloaded(kNow + hours(1)).size(), 1U);
  EXPECT_EQ(store_.count('r'), 1U) << "the store is rid of it, too";
}

TEST_F(KeptRevocationsTest, AreNoMoreThanFit) {
  for (std::size_t i = 0; i < KeptRevocations::kEntriesMax; ++i) {
    const Revocation each{.user = {},
                          .token_id = "t" + std::to_string(i),
                          .before = kNow,
                          .until = kNow + hours(i == 0 ? 1 : 2)};
    ASSERT_TRUE(table_.keep(store_, each, kNow));
  }
  EXPECT_TRUE(store_.commit(true));
  const Revocation one_more{.user = "u", .token_id = {}, .before = kNow, .until = kNow + hours(3)};
  EXPECT_FALSE(keep(one_more));
  EXPECT_TRUE(keep({.user = {}, .token_id = "t1", .before = kNow, .until = kNow + hours(3)}));
  EXPECT_EQ(store_.count('r'), KeptRevocations::kEntriesMax);
  EXPECT_TRUE(keep(one_more, kNow + hours(1))) << "one has expired by then";
  EXPECT_FALSE(keep({.user = "v", .token_id = {}, .before = kNow, .until = kNow + hours(3)},
                    kNow + hours(1)));
  EXPECT_EQ(reloaded().size(), KeptRevocations::kEntriesMax);
}

TEST_F(KeptRevocationsTest, AreNotPassedOverWhereTheyCannotBeRead) {
  keep({.user = "u", .token_id = {}, .before = kNow, .until = kNow + hours(1)});
  const auto entries = store_.entries();
  for (const std::string& key : {std::string("r"), std::string("ru"), std::string("rx1")}) {
    store_.entries() = entries;
    store_.entries()[key] = std::string(16, 'x');
    KeptRevocations table;
    EXPECT_FALSE(table.load(store_, kNow)) << key;
  }
  store_.entries() = entries;
  store_.entries()["ruu"] = "short";
  KeptRevocations table;
  EXPECT_FALSE(table.load(store_, kNow));
  store_.cannot_read = true;
  KeptRevocations other;
  EXPECT_FALSE(other.load(store_, kNow));
}

}  // namespace
}  // namespace wspush::engine
