#include "hub/latest_index.hpp"

#include <map>
#include <new>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

#include "unit/failing_allocations.hpp"

namespace wspush::hub {
namespace {

using std::chrono::seconds;

MessageRef message(std::uint64_t offset, const std::string& key, TimePoint at = {},
                   std::size_t bytes = 1) {
  MessageRef made = Message::create(PayloadKind::kText, std::string(bytes, 'x'), key);
  made->stamp({1, offset}, at);
  made->stamp_count(offset * 10);
  return made;
}

std::vector<std::uint64_t> offsets_of(const LatestIndex& index) {
  std::vector<std::uint64_t> offsets;
  for (const MessageRef* next = index.next_after(0); next != nullptr;
       next = index.next_after((*next)->id().offset)) {
    offsets.push_back((*next)->id().offset);
  }
  return offsets;
}

TEST(LatestIndex, KeepsTheNewestOfEachKey) {
  LatestIndex index({1, 2});
  index.add(1, message(1, "a"));
  index.add(2, message(2, "b"));
  index.add(3, message(3, ""));
  index.add(4, message(4, "a"));
  EXPECT_EQ(offsets_of(index), (std::vector<std::uint64_t>{2, 3, 4}));
  EXPECT_EQ(index.find(1), nullptr);
  EXPECT_EQ((*index.find(4))->key(), "a");
}

TEST(LatestIndex, KeepsAsideWithinBytesAndAge) {
  LatestIndex index({1, 2});
  const TimePoint start{seconds(100)};
  const std::uint64_t bytes = message(1, "a", start)->log_bytes();
  index.add(1, message(1, "a", start));
  index.add(2, message(2, "b", start + seconds(1)));
  index.add(3, message(3, "c", start + seconds(2)));
  index.trim(4, 2 * bytes, seconds(60), start);
  EXPECT_EQ(offsets_of(index), (std::vector<std::uint64_t>{2, 3})) << "the oldest gave way";
  EXPECT_EQ(index.lost(), 1U);
  EXPECT_EQ(index.lost_count(), 10U);
  index.trim(4, 2 * bytes, seconds(60), start + seconds(61));
  EXPECT_EQ(offsets_of(index), (std::vector<std::uint64_t>{3})) << "it was too old";
  EXPECT_EQ(index.aside_bytes(), bytes);
  index.add(4, message(4, "c", start));
  EXPECT_EQ(index.aside_bytes(), 0U);
  EXPECT_EQ(index.lost(), 2U) << "what is replaced is not lost";
}

/// Everything that was added and not replaced, in one list.
TEST(LatestIndex, SaysWhatAListSays) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SplitMix64 random(seed);
    LatestIndex index(SipKey::from(random));
    std::map<std::uint64_t, MessageRef> kept;
    TimePoint now{seconds(1)};
    std::uint64_t ring_first = 1;
    std::uint64_t last = 0;
    std::uint64_t lost = 0;
    for (int step = 0; step < 400; ++step) {
      now += seconds(random.below(3));
      if (random.below(2) == 0) {
        const MessageRef added =
            message(++last, std::string(random.below(6), 'k'), now, random.below(50));
        std::erase_if(kept, [&](const auto& each) { return each.second->key() == added->key(); });
        kept[last] = added;
        index.add(last, added);
      } else {
        ring_first += random.below(last + 2 - ring_first);
        const std::uint64_t bytes_max = random.below(400);
        const Duration ttl = seconds(20);
        index.trim(ring_first, bytes_max, ttl, now);
        const auto aside_bytes = [&] {
          std::uint64_t bytes = 0;
          for (const auto& [offset, each] : kept) {
            bytes += offset < ring_first ? each->log_bytes() : 0;
          }
          return bytes;
        };
        while (!kept.empty() && kept.begin()->first < ring_first &&
               (aside_bytes() > bytes_max || now - kept.begin()->second->published_at() >= ttl)) {
          lost = kept.begin()->first;
          kept.erase(kept.begin());
        }
        ASSERT_EQ(index.aside_bytes(), aside_bytes());
        ASSERT_EQ(index.lost(), lost);
      }
      std::vector<std::uint64_t> offsets;
      for (const auto& [offset, each] : kept) {
        offsets.push_back(offset);
      }
      ASSERT_EQ(offsets_of(index), offsets);
    }
  }
}

TEST(LatestIndex, HasAMessageWithAllOfItOrNotAtAllWhereMemoryRunsOut) {
  for (const bool is_known : {false, true}) {
    bool has_failed = true;
    for (std::uint64_t nth = 1; has_failed; ++nth) {
      LatestIndex index({1, 2});
      index.add(1, message(1, "a"));
      index.add(2, message(2, "b"));
      index.trim(2, UINT64_MAX, Duration::max(), {});
      const MessageRef next = message(3, is_known ? "a" : "c");
      {
        const wspush::test::FailingAllocation failing(nth);
        try {
          index.add(3, next);
        } catch (const std::bad_alloc&) {
        }
        has_failed = failing.has_failed();
      }
      EXPECT_FALSE(is_known && has_failed) << "a key that is there needs no memory";
      if (has_failed) {
        EXPECT_EQ(offsets_of(index), (std::vector<std::uint64_t>{1, 2}));
        EXPECT_EQ(index.aside_count(), 1U);
        index.add(3, next);
      }
      EXPECT_EQ(offsets_of(index), is_known ? (std::vector<std::uint64_t>{2, 3})
                                            : (std::vector<std::uint64_t>{1, 2, 3}));
      EXPECT_EQ(index.aside_count(), is_known ? 0U : 1U);
      index.add(4, message(4, std::string(next->key())));
      EXPECT_EQ(index.find(3), nullptr);
    }
  }
}

}  // namespace
}  // namespace wspush::hub
