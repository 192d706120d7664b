#include "hub/idempotency_window.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush::hub {
namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr Duration kTick{1};

TEST(IdempotencyWindow, RemembersTheFirstIdForFiveMinutes) {
  IdempotencyWindow window;
  EXPECT_FALSE(window.find("t", "k", kStart));
  window.remember("t", "k", {1, 7}, kStart);
  window.remember("t", "k", {1, 8}, kStart + kTick);
  EXPECT_EQ(window.find("t", "k", kStart), (MessageId{1, 7}));
  EXPECT_EQ(window.find("t", "k", kStart + std::chrono::minutes(5) - kTick), (MessageId{1, 7}));
  EXPECT_FALSE(window.find("t", "k", kStart + std::chrono::minutes(5)));
  EXPECT_EQ(window.size(), 0U);
}

TEST(IdempotencyWindow, ARepeatDoesNotProlongIt) {
  IdempotencyWindow window;
  window.remember("t", "k", {1, 7}, kStart);
  EXPECT_TRUE(window.find("t", "k", kStart + std::chrono::minutes(4)));
  EXPECT_FALSE(window.find("t", "k", kStart + std::chrono::minutes(5)));
}

TEST(IdempotencyWindow, AKeyThatIsOverIsNewAgain) {
  IdempotencyWindow window;
  const TimePoint later = kStart + IdempotencyWindow::kLifetime;
  window.remember("t", "k", {1, 7}, kStart);
  window.remember("t", "k", {1, 9}, later);
  EXPECT_EQ(window.find("t", "k", later), (MessageId{1, 9}));
}

TEST(IdempotencyWindow, KeepsTopicsAndKeysApart) {
  IdempotencyWindow window;
  window.remember("ab", "c", {1, 1}, kStart);
  EXPECT_FALSE(window.find("a", "bc", kStart));
  EXPECT_FALSE(window.find("abc", "", kStart));
  const std::string with_zero("c\0", 2);
  window.remember("ab", with_zero, {1, 2}, kStart);
  EXPECT_EQ(window.find("ab", "c", kStart), (MessageId{1, 1}));
  EXPECT_EQ(window.find("ab", with_zero, kStart), (MessageId{1, 2}));
}

TEST(IdempotencyWindow, ForgetsTheOldestPastItsBound) {
  IdempotencyWindow window;
  const std::size_t count = IdempotencyWindow::kEntriesMax + 2;
  for (std::size_t i = 0; i < count; ++i) {
    window.remember("t", std::to_string(i), {1, i}, kStart);
    ASSERT_LE(window.size(), IdempotencyWindow::kEntriesMax);
  }
  EXPECT_EQ(window.size(), IdempotencyWindow::kEntriesMax);
  EXPECT_FALSE(window.find("t", "0", kStart));
  EXPECT_FALSE(window.find("t", "1", kStart));
  EXPECT_EQ(window.find("t", "2", kStart), (MessageId{1, 2}));
}

}  // namespace
}  // namespace wspush::hub
