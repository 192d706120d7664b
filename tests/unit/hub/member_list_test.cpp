#include "hub/member_list.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

#include "hub/topic.hpp"

namespace wspush::hub {
namespace {

Member member(std::uint32_t slot) {
  return {.fd = static_cast<std::int32_t>(slot) + 1000, .slot = slot};
}

std::vector<std::uint32_t> slots_of(const MemberList& list) {
  std::vector<std::uint32_t> slots;
  for (const Member& each : list.view()) {
    EXPECT_EQ(each.fd, static_cast<std::int32_t>(each.slot) + 1000);
    slots.push_back(each.slot);
  }
  return slots;
}

TEST(MemberList, BehavesAsAVectorDoes) {
  SplitMix64 random(1);
  MemberList list;
  std::vector<std::uint32_t> expected;
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    const std::uint64_t dice = random.below(100);
    if (dice < 52) {
      list.push_back(member(step));
      expected.push_back(step);
    } else if (dice < 98 && !expected.empty()) {
      const std::size_t place = random.below(expected.size());
      list[place] = list[expected.size() - 1];
      expected[place] = expected.back();
      list.pop_back();
      expected.pop_back();
    } else if (dice == 98) {
      list.clear();
      expected.clear();
    } else if (dice == 99) {
      MemberList moved = std::move(list);
      list = std::move(moved);
    }
    ASSERT_EQ(list.size(), expected.size());
    ASSERT_EQ(list.empty(), expected.empty());
    ASSERT_EQ(slots_of(list), expected) << "step " << step;
  }
}

TEST(MemberList, MovesWithWhatItHolds) {
  for (std::uint32_t count : {0U, 1U, 2U, 9U}) {
    MemberList from;
    std::vector<std::uint32_t> expected;
    for (std::uint32_t slot = 0; slot < count; ++slot) {
      from.push_back(member(slot));
      expected.push_back(slot);
    }
    MemberList to(std::move(from));
    EXPECT_EQ(slots_of(to), expected);
    MemberList assigned;
    assigned.push_back(member(77));
    assigned = std::move(to);
    EXPECT_EQ(slots_of(assigned), expected);
  }
}

TEST(MemberArrays, BeginWithAnEmptyOneThatTakesAnyForm) {
  MemberArrays arrays;
  ASSERT_EQ(arrays.view().size(), 1U);
  MemberArray& first = arrays.add(WireForm::kRaw, true);
  EXPECT_EQ(&first, &arrays.view()[0]);
  EXPECT_EQ(first.form, WireForm::kRaw);
  EXPECT_TRUE(first.is_streamed);
}

TEST(MemberArrays, KeepWhatTheyHoldWhenOneIsAdded) {
  MemberArrays arrays;
  arrays.add(WireForm::kRaw, false).members.push_back(member(1));
  arrays.add(WireForm::kWspushV1, false).members.push_back(member(2));
  arrays.add(WireForm::kSse, true).members.push_back(member(3));
  ASSERT_EQ(arrays.view().size(), 3U);
  EXPECT_EQ(arrays.view()[0].form, WireForm::kRaw);
  EXPECT_EQ(slots_of(arrays.view()[0].members), std::vector<std::uint32_t>{1});
  EXPECT_EQ(slots_of(arrays.view()[1].members), std::vector<std::uint32_t>{2});
  EXPECT_TRUE(arrays.view()[2].is_streamed);
}

}  // namespace
}  // namespace wspush::hub
