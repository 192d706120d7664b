#include "base/record_pool.hpp"

#include <cstdint>
#include <cstring>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush {
namespace {

TEST(RecordPool, GivesRecordsThatLieSideBySide) {
  RecordPool pool;
  std::set<char*> records;
  for (int i = 0; i < 3; ++i) {
    records.insert(static_cast<char*>(pool.take(80)));
  }
  EXPECT_EQ(*std::next(records.begin()) - *records.begin(), 80);
  EXPECT_EQ(*records.rbegin() - *records.begin(), 160);
  for (char* record : records) {
    pool.give_back(record, 80);
  }
}

TEST(RecordPool, UsesWhatWasGivenBackForTheNextOfItsSize) {
  RecordPool pool;
  void* const first = pool.take(80);
  pool.give_back(first, 80);
  void* const other = pool.take(88);
  void* const same_class = pool.take(73);
  EXPECT_NE(other, first);
  EXPECT_EQ(same_class, first);
  EXPECT_EQ(pool.taken(), 2U);
  pool.give_back(other, 88);
  pool.give_back(same_class, 73);
  EXPECT_EQ(pool.taken(), 0U);
}

TEST(RecordPool, NeverGivesTheSameBytesTwice) {
  RecordPool pool;
  SplitMix64 random(1);
  struct Taken {
    std::size_t bytes;
    unsigned char mark;
  };
  std::map<unsigned char*, Taken> taken;
  const auto check_and_give_back = [&](auto it) {
    for (std::size_t i = 0; i < it->second.bytes; ++i) {
      ASSERT_EQ(it->first[i], it->second.mark);
    }
    pool.give_back(it->first, it->second.bytes);
    taken.erase(it);
  };
  for (int i = 0; i < 50'000; ++i) {
    if (random.below(3) > 0 && taken.size() < 2'000) {
      const std::size_t bytes = 1 + random.below(RecordPool::kRecordBytesMax);
      auto* const record = static_cast<unsigned char*>(pool.take(bytes));
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(record) % alignof(void*), 0U);
      const auto mark = static_cast<unsigned char>(random.below(256));
      std::memset(record, mark, bytes);
      ASSERT_TRUE(taken.insert({record, {bytes, mark}}).second);
    } else if (!taken.empty()) {
      check_and_give_back(
          std::next(taken.begin(), static_cast<std::ptrdiff_t>(random.below(taken.size()))));
    }
  }
  while (!taken.empty()) {
    check_and_give_back(taken.begin());
  }
  EXPECT_EQ(pool.taken(), 0U);
}

}  // namespace
}  // namespace wspush
