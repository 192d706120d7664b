#include "cli/byte_queue.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

TEST(ByteQueue, IsAStringThatLosesItsFront) {
  std::mt19937 random(7);
  ByteQueue queue;
  std::string model;
  for (int step = 0; step < 5000; ++step) {
    if (random() % 2 == 0) {
      const std::string bytes(random() % 40, static_cast<char>('a' + random() % 26));
      queue.append(bytes);
      model += bytes;
    } else {
      const std::size_t count = random() % (model.size() + 1);
      queue.drop(count);
      model.erase(0, count);
    }
    ASSERT_EQ(queue.view(), model) << "step " << step;
    ASSERT_EQ(queue.empty(), model.empty());
  }
  queue.clear();
  EXPECT_EQ(queue.size(), 0U);
}

}  // namespace
}  // namespace wspush::cli
