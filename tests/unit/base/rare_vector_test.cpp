#include "base/rare_vector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int> items_of(const RareVector<int>& list) {
  return {list.view().begin(), list.view().end()};
}

RareVector<int> list_of(std::initializer_list<int> items) {
  RareVector<int> list;
  for (const int item : items) {
    list.push_back(item);
  }
  return list;
}

TEST(RareVector, IsOnePointer) {
  static_assert(sizeof(RareVector<std::vector<int>>) == sizeof(void*));
}

TEST(RareVector, KeepsItsItemsInOrder) {
  RareVector<int> list;
  EXPECT_TRUE(list.empty());
  EXPECT_THAT(items_of(list), IsEmpty());
  list.push_back(1);
  list.push_back(2);
  EXPECT_FALSE(list.empty());
  EXPECT_EQ(list.size(), 2U);
  EXPECT_EQ(list[1], 2);
  EXPECT_THAT(items_of(list), ElementsAre(1, 2));
}

TEST(RareVector, IsUsedUpFromItsFront) {
  RareVector<int> list = list_of({1, 2, 3});
  list.drop_front(0);
  EXPECT_EQ(list.size(), 3U);
  list.drop_front(2);
  EXPECT_THAT(items_of(list), ElementsAre(3));
  list.drop_front(1);
  EXPECT_TRUE(list.empty());
  list.drop_front(0);
  EXPECT_TRUE(list.empty());
}

TEST(RareVector, LosesThoseThatAreMeant) {
  RareVector<int> list = list_of({1, 2, 3});
  list.erase_if([](int item) { return item % 2 == 1; });
  EXPECT_THAT(items_of(list), ElementsAre(2));
  list.erase_if([](int) { return false; });
  EXPECT_EQ(list.size(), 1U);
  list.erase_if([](int) { return true; });
  EXPECT_TRUE(list.empty());
  list.erase_if([](int) { return true; });
  EXPECT_TRUE(list.empty());
}

TEST(RareVector, GivesAllOfItselfAway) {
  RareVector<int> list = list_of({1, 2});
  EXPECT_THAT(list.take(), ElementsAre(1, 2));
  EXPECT_TRUE(list.empty());
  EXPECT_THAT(list.take(), IsEmpty());
}

}  // namespace
}  // namespace wspush
