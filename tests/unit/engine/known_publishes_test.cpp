#include "engine/known_publishes.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/engine/fake_store.hpp"

namespace wspush::engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using test::FakeStore;

constexpr WallTime kNow{hours(480'000)};

class KnownPublishesTest : public ::testing::Test {
 protected:
  void keep(LogPlace place, const std::string& key, WallTime now = kNow) {
    known_.keep(store_, place,
                {.topic = "t", .idempotency_key = key, .id = {1, place.offset}, .published = now});
  }
  /// What another process finds, oldest first.
  std::vector<std::string> found(WallTime now = kNow) {
    KnownPublishes known;
    EXPECT_TRUE(store_.commit(false));
    known_.commit();
    EXPECT_TRUE(known.load(store_, now));
    EXPECT_TRUE(store_.commit(false));
    std::vector<std::string> keys;
    for (const KnownPublish& each : known.take()) {
      keys.push_back(each.idempotency_key);
    }
    return keys;
  }

  FakeStore store_;
  KnownPublishes known_;
};

using Keys = std::vector<std::string>;

TEST_F(KnownPublishesTest, AreFoundInTheOrderOfTheirTimes) {
  keep({2, 1}, "first");
  keep({1, 9}, "second", kNow + milliseconds(1));
  EXPECT_EQ(found(kNow + milliseconds(1)), (Keys{"first", "second"}));
}

TEST_F(KnownPublishesTest, AreOverAfterFiveMinutes) {
  keep({1, 1}, "a");
  keep({1, 2}, "b", kNow + milliseconds(1));
  EXPECT_EQ(found(kNow + minutes(5)), Keys{"b"});
  EXPECT_EQ(store_.count('i'), 1U) << "the store is rid of it, too";
}

TEST_F(KnownPublishesTest, LeaveTheStoreAsOthersCome) {
  constexpr std::uint64_t kOld = 10;
  for (std::uint64_t i = 0; i < kOld; ++i) {
    keep({1, i}, "old");
  }
  const WallTime later = kNow + minutes(5);
  for (std::uint64_t i = 0; i < 3; ++i) {
    keep({2, i}, "new", later);
    EXPECT_LE(known_.size() + KnownPublishes::kRemovalsPerKeep * (i + 1), kOld + (i + 1) + 2);
  }
  EXPECT_EQ(known_.size(), 3U);
  ASSERT_TRUE(store_.commit(false));
  EXPECT_EQ(store_.count('i'), 3U);
}

TEST_F(KnownPublishesTest, AreNoMoreThanTheBound) {
  for (std::size_t i = 0; i < kIdempotencyKeysMax + 2; ++i) {
    keep({1, i}, std::to_string(i));
    ASSERT_LE(known_.size(), kIdempotencyKeysMax);
  }
  const Keys keys = found();
  ASSERT_EQ(keys.size(), kIdempotencyKeysMax);
  EXPECT_EQ(keys.front(), "2") << "the oldest have gone";
}

TEST_F(KnownPublishesTest, AreForgottenFromAPlaceOn) {
  keep({1, 1}, "a");
  keep({1, 2}, "b");
  keep({2, 1}, "c");
  KnownPublishes::forget(store_, {1, 2});
  EXPECT_EQ(found(), (Keys{"a", "c"}));
}

TEST_F(KnownPublishesTest, OfABatchThatWasRefusedTakeNobodysPlace) {
  keep({1, 1}, "a");
  keep({1, 2}, "refused", kNow + milliseconds(1));
  ASSERT_TRUE(store_.commit(false));
  known_.undo();
  EXPECT_EQ(known_.size(), 0U);
  keep({1, 1}, "a");
  known_.commit();
  const WallTime later = kNow + minutes(5);
  keep({1, 2}, "b", later);
  known_.undo();
  EXPECT_EQ(known_.size(), 1U) << "what it removed is there again";
  keep({1, 2}, "c", later);
  EXPECT_EQ(known_.size(), 1U);
  EXPECT_EQ(found(later), Keys{"c"});
}

TEST_F(KnownPublishesTest, OfAClockThatWasSetBackAreAsOldAsNow) {
  keep({1, 1}, "a", kNow + hours(1));
  ASSERT_TRUE(store_.commit(false));
  KnownPublishes known;
  ASSERT_TRUE(known.load(store_, kNow));
  const auto loaded = known.take();
  ASSERT_EQ(loaded.size(), 1U);
  EXPECT_EQ(loaded[0].published, kNow);
}

TEST_F(KnownPublishesTest, DoWithoutARecordThatIsDamaged) {
  keep({1, 1}, "a");
  ASSERT_TRUE(store_.commit(false));
  store_.entries()["inonsense"] = "";
  store_.entries()[known_publish_key({1, 2})] = "nonsense";
  EXPECT_EQ(found(), Keys{"a"});
  EXPECT_EQ(store_.entries().size(), 1U) << "and it is told once";
}

TEST_F(KnownPublishesTest, TellThatTheStoreCannotBeRead) {
  store_.cannot_read = true;
  KnownPublishes known;
  EXPECT_FALSE(known.load(store_, kNow));
}

}  // namespace
}  // namespace wspush::engine
