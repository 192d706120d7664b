#include "base/lack_of_memory.hpp"

#include <new>
#include <vector>

#include <gtest/gtest.h>

namespace wspush {
namespace {

TEST(LackOfMemory, KeepsNothingFromTheOthersAndIsToldAtTheEnd) {
  std::vector<int> seen;
  EXPECT_THROW(each_despite_lack_of_memory(std::vector{1, 2, 3},
                                           [&](int each) {
                                             if (each == 2) {
                                               throw std::bad_alloc();
                                             }
                                             seen.push_back(each);
                                           }),
               std::bad_alloc);
  EXPECT_EQ(seen, (std::vector{1, 3}));
  each_despite_lack_of_memory(std::vector{4}, [&](int each) { seen.push_back(each); });
  EXPECT_EQ(seen, (std::vector{1, 3, 4}));
}

}  // namespace
}  // namespace wspush
