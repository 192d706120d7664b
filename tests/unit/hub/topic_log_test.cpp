#include "hub/topic_log.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush::hub {
namespace {

using std::chrono::seconds;

constexpr TimePoint kStart{std::chrono::hours(1)};

MessageRef message_at(MessageId id, TimePoint now = kStart, std::size_t bytes = 0) {
  MessageRef message = Message::create(PayloadKind::kText, std::string(bytes, 'x'));
  message->stamp(id, now);
  return message;
}

TEST(TopicLog, StandsBeforeItsFirstMessageWhenItIsNew) {
  TopicLog log;
  log.reset(7, 41);
  EXPECT_EQ(log.epoch(), 7U);
  EXPECT_EQ(log.last(), 41U);
  EXPECT_EQ(log.first(), 42U);
  EXPECT_TRUE(log.empty());
  log.append(message_at({7, 42}));
  EXPECT_EQ(log.first(), 42U);
  EXPECT_EQ(log.last(), 42U);
  EXPECT_EQ(log.at(42)->id().offset, 42U);
}

TEST(TopicLog, DropsAtEachBoundAndNotBefore) {
  TopicLog log;
  log.reset(1, 0);
  for (std::uint64_t i = 1; i <= 4; ++i) {
    log.append(message_at({1, i}, kStart + seconds(i)));
  }
  const std::uint64_t one = log.bytes() / 4;
  const LogBounds loose;
  EXPECT_EQ(log.trim({.messages = 4}, kStart, 5), 0U);
  EXPECT_EQ(log.trim({.messages = 3}, kStart, 5), 1U);
  EXPECT_EQ(log.trim({.bytes = 3 * one}, kStart, 5), 0U);
  EXPECT_EQ(log.trim({.bytes = 3 * one - 1}, kStart, 5), 1U);
  EXPECT_EQ(log.first(), 3U);
  EXPECT_EQ(log.trim(loose, kStart + seconds(3) + loose.ttl - Duration(1), 5), 0U);
  EXPECT_EQ(log.trim(loose, kStart + seconds(3) + loose.ttl, 5), 1U);
  EXPECT_EQ(log.first(), 4U);
  EXPECT_EQ(log.trim({.messages = 0}, kStart, 5), 1U);
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(log.bytes(), 0U);
  EXPECT_EQ(log.last(), 4U);
}

TEST(TopicLog, NeverDropsWhatHasYetToBeSent) {
  TopicLog log;
  log.reset(1, 0);
  for (std::uint64_t i = 1; i <= 4; ++i) {
    log.append(message_at({1, i}));
  }
  EXPECT_EQ(log.trim({.messages = 0, .bytes = 0, .ttl = {}}, kStart + seconds(1), 3), 2U);
  EXPECT_EQ(log.first(), 3U);
}

TEST(TopicLog, IsLikeAVector) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    SplitMix64 random(seed);
    TopicLog log;
    std::vector<MessageRef> kept;
    std::uint32_t epoch = 0;
    std::uint64_t last = 0;
    TimePoint now = kStart;
    for (int step = 0; step < 200; ++step) {
      now += seconds(random.below(3));
      switch (random.below(8)) {
        case 0:
          kept.erase(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(
                                                      kept.size(), random.below(4))));
          log.drop_before(last + 1 - kept.size());
          break;
        case 1: {
          const LogBounds bounds{random.below(9), random.below(2000), seconds(random.below(60))};
          const std::uint64_t keep_from = last + 1 - std::min(last, random.below(4));
          const auto bytes = [&] {
            std::uint64_t sum = 0;
            for (const MessageRef& message : kept) {
              sum += message->log_bytes();
            }
            return sum;
          };
          while (!kept.empty() && kept[0]->id().offset < keep_from &&
                 (kept.size() > bounds.messages || bytes() > bounds.bytes ||
                  now - kept[0]->published_at() >= bounds.ttl)) {
            kept.erase(kept.begin());
          }
          log.trim(bounds, now, keep_from);
          break;
        }
        case 2:
          if (random.below(10) == 0) {
            kept.clear();
            last = random.below(3) == 0 ? 0 : random.next() >> 2;
            log.reset(++epoch, last);
          }
          break;
        default:
          kept.push_back(message_at({epoch, ++last}, now, random.below(200)));
          log.append(kept.back());
      }
      std::uint64_t bytes = 0;
      ASSERT_EQ(log.count(), kept.size());
      ASSERT_EQ(log.last(), last);
      ASSERT_EQ(log.first(), last + 1 - kept.size());
      for (std::size_t i = 0; i < kept.size(); ++i) {
        ASSERT_EQ(log.at(log.first() + i).get(), kept[i].get());
        bytes += kept[i]->log_bytes();
      }
      ASSERT_EQ(log.bytes(), bytes);
    }
  }
}

}  // namespace
}  // namespace wspush::hub
