#include "base/chunked_array.hpp"

#include <cstdint>

#include <gtest/gtest.h>

namespace wspush {
namespace {

struct Record {
  std::uint32_t value = 7;
};

TEST(ChunkedArray, MakesNewEntriesAsTheirTypeDoes) {
  ChunkedArray<Record> records;
  EXPECT_EQ(records.size(), 0U);
  records.grow_to(1000);
  EXPECT_EQ(records.size(), 1000U);
  for (std::size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(records[i].value, 7U);
  }
}

TEST(ChunkedArray, KeepsEntriesAndTheirAddressesWhileItGrows) {
  ChunkedArray<Record> records;
  records.grow_to(1);
  const Record* const first = &records[0];
  for (std::uint32_t i = 0; i < 5000; ++i) {
    records.grow_to(i + 1);
    records[i].value = i;
  }
  EXPECT_EQ(&records[0], first);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    ASSERT_EQ(records[i].value, i);
  }
}

TEST(ChunkedArray, DoesNotShrink) {
  ChunkedArray<Record> records;
  records.grow_to(513);
  records[512].value = 3;
  records.grow_to(2);
  EXPECT_EQ(records.size(), 513U);
  EXPECT_EQ(records[512].value, 3U);
}

}  // namespace
}  // namespace wspush
