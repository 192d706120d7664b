#include "hub/subscription_table.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush::hub {
namespace {

struct Expected {
  std::uint32_t index;
  bool is_behind = false;
  std::uint64_t cursor = 0;
};
using Oracle = std::map<std::pair<std::uint32_t, std::uint32_t>, Expected>;

void compare(SubscriptionTable& table, const Oracle& oracle, std::uint32_t slots) {
  ASSERT_EQ(table.size(), oracle.size());
  std::size_t behind = 0;
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    std::set<std::uint32_t> all;
    for (auto i = table.first_of(slot); i != kNone; i = table[i].next) {
      ASSERT_EQ(table[i].slot, slot);
      ASSERT_TRUE(all.insert(i).second);
    }
    ASSERT_EQ(table.count_of(slot), all.size());
    for (auto place = table.first_behind_of(slot); place != kNone;
         place = table.behind_at(place).next) {
      const Subscription& subscription = table[table.behind_at(place).subscription];
      ASSERT_EQ(subscription.place, place);
      const Expected& expected = oracle.at({subscription.topic, slot});
      ASSERT_TRUE(expected.is_behind);
      ASSERT_EQ(table.behind_at(place).cursor, expected.cursor);
      ++behind;
    }
  }
  std::size_t expected_behind = 0;
  for (const auto& [pair, expected] : oracle) {
    ASSERT_EQ(table.find(pair.first, pair.second), expected.index);
    ASSERT_EQ(table[expected.index].state,
              expected.is_behind ? Subscription::State::kBehind : Subscription::State::kMember);
    expected_behind += expected.is_behind ? 1U : 0U;
  }
  ASSERT_EQ(behind, expected_behind);
  ASSERT_EQ(table.behind_count(), expected_behind);
}

TEST(SubscriptionTable, IsLikeAMap) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    SplitMix64 random(seed);
    const auto topics = static_cast<std::uint32_t>(1 + random.below(40));
    const auto slots = static_cast<std::uint32_t>(1 + random.below(20));
    SubscriptionTable table;
    Oracle oracle;
    for (int step = 0; step < 600; ++step) {
      const auto topic = static_cast<std::uint32_t>(random.below(topics));
      const auto slot = static_cast<std::uint32_t>(random.below(slots));
      const std::uint32_t found = table.find(topic, slot);
      const auto known = oracle.find({topic, slot});
      ASSERT_EQ(found == kNone, known == oracle.end());
      if (found == kNone) {
        oracle[{topic, slot}] = {table.add(topic, slot, WireForm::kRaw, Mode::kLatest)};
        const Subscription& added = table[oracle[{topic, slot}].index];
        ASSERT_EQ(added.form, WireForm::kRaw);
        ASSERT_EQ(added.mode, Mode::kLatest);
      } else if (random.below(3) == 0) {
        table.remove(found);
        oracle.erase(known);
      } else if (known->second.is_behind && random.below(2) == 0) {
        const std::uint32_t place = table[found].place;
        table.serve_last(place);
        ASSERT_EQ(table.behind_at(place).next, kNone);
      } else if (known->second.is_behind) {
        table.end_behind(found);
        known->second.is_behind = false;
      } else {
        known->second.is_behind = true;
        known->second.cursor = random.next();
        table.put_behind(found, 1, known->second.cursor);
      }
      if (step % 20 == 0) {
        ASSERT_NO_FATAL_FAILURE(compare(table, oracle, slots));
      }
    }
    ASSERT_NO_FATAL_FAILURE(compare(table, oracle, slots));
    while (!oracle.empty()) {
      table.remove(oracle.begin()->second.index);
      oracle.erase(oracle.begin());
    }
    ASSERT_NO_FATAL_FAILURE(compare(table, oracle, slots));
  }
}

TEST(SubscriptionTable, KnowsNothingOfASlotThatNeverSubscribed) {
  const SubscriptionTable table;
  EXPECT_EQ(table.find(0, 0), kNone);
  EXPECT_EQ(table.count_of(1'000'000), 0U);
  EXPECT_EQ(table.first_of(1'000'000), kNone);
  EXPECT_EQ(table.first_behind_of(1'000'000), kNone);
}

}  // namespace
}  // namespace wspush::hub
