#include "load/sequence_ledger.hpp"

#include <cstdint>
#include <set>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush::load {
namespace {

using Verdict = SequenceLedger::Verdict;

TEST(SequenceLedger, FindsNothingWrongWithAStreamInOrder) {
  SequenceLedger ledger;
  for (std::uint64_t sequence = 1; sequence <= 100; ++sequence) {
    EXPECT_EQ(ledger.enter(sequence), Verdict::kNext);
  }
  EXPECT_EQ(ledger.missing(100), 0U);
  EXPECT_EQ(ledger.missing(101), 1U);
}

TEST(SequenceLedger, CountsWhatAHoleHolds) {
  SequenceLedger ledger;
  EXPECT_EQ(ledger.enter(1), Verdict::kNext);
  EXPECT_EQ(ledger.enter(4), Verdict::kAhead);
  EXPECT_EQ(ledger.enter(5), Verdict::kNext);
  EXPECT_EQ(ledger.missing(5), 2U);
  EXPECT_EQ(ledger.missing(4), 2U);
  EXPECT_EQ(ledger.missing(3), 2U);
  EXPECT_EQ(ledger.missing(2), 1U);
}

TEST(SequenceLedger, TellsALateOneFromADuplicate) {
  SequenceLedger ledger;
  EXPECT_EQ(ledger.enter(2), Verdict::kAhead);
  EXPECT_EQ(ledger.enter(2), Verdict::kDuplicate);
  EXPECT_EQ(ledger.enter(1), Verdict::kLate);
  EXPECT_EQ(ledger.enter(1), Verdict::kDuplicate);
  EXPECT_EQ(ledger.enter(2), Verdict::kDuplicate);
  EXPECT_EQ(ledger.enter(3), Verdict::kNext);
  EXPECT_EQ(ledger.missing(3), 0U);
}

TEST(SequenceLedger, RefusesNumberZero) {
  SequenceLedger ledger;
  EXPECT_EQ(ledger.enter(0), Verdict::kImpossible);
  EXPECT_EQ(ledger.received(), 0U);
}

TEST(SequenceLedger, AgreesWithASetOfAllNumbersSeen) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    SplitMix64 random(seed);
    SequenceLedger ledger;
    std::set<std::uint64_t> seen;
    for (int step = 0; step < 400; ++step) {
      const std::uint64_t sequence = 1 + random.below(60);
      const std::uint64_t highest = seen.empty() ? 0 : *seen.rbegin();
      const Verdict expected = seen.contains(sequence)   ? Verdict::kDuplicate
                               : sequence < highest      ? Verdict::kLate
                               : sequence == highest + 1 ? Verdict::kNext
                                                         : Verdict::kAhead;
      ASSERT_EQ(ledger.enter(sequence), expected);
      seen.insert(sequence);
      ASSERT_EQ(ledger.received(), seen.size());
      const std::uint64_t published = 1 + random.below(70);
      std::uint64_t missing = 0;
      for (std::uint64_t number = 1; number <= published; ++number) {
        missing += seen.contains(number) ? 0U : 1U;
      }
      ASSERT_EQ(ledger.missing(published), missing);
    }
  }
}

}  // namespace
}  // namespace wspush::load
