// Random lives of several hubs, with topics, patterns and sets, checked against a slow and obvious
// idea of what every client must have seen. A failure prints its seed; WSPUSH_HUB_SEED=<seed> runs
// that one alone, WSPUSH_HUB_SEEDS=<count> that many.
#include <cstdlib>

#include <gtest/gtest.h>

#include "unit/hub/hub_world.hpp"

namespace wspush::hub::test {
namespace {

constexpr std::uint64_t kSeeds = 400;  // WSPUSH_HUB_SEEDS: more of them

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread here
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(HubModel, EverySubscriberGetsEverythingOnceOrIsTold) {
  const std::uint64_t only = number_from("WSPUSH_HUB_SEED", 0);
  const std::uint64_t first = only == 0 ? 1 : only;
  const std::uint64_t last = only == 0 ? number_from("WSPUSH_HUB_SEEDS", kSeeds) : only;
  std::uint64_t messages = 0;
  std::uint64_t gaps = 0;
  std::uint64_t recovered = 0;
  std::uint64_t written = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("WSPUSH_HUB_SEED=" + std::to_string(seed));
    HubWorld world(seed);
    for (int round = 0; round < 3 && !HasFailure(); ++round) {
      for (int step = 0; step < 150 && !HasFailure(); ++step) {
        SCOPED_TRACE("round " + std::to_string(round) + ", step " + std::to_string(step));
        world.step();
      }
      if (!HasFailure()) {
        world.settle();
      }
    }
    if (!HasFailure()) {
      world.end();
    }
    ASSERT_FALSE(HasFailure());
    messages += world.messages();
    gaps += world.gaps();
    recovered += world.recovered();
    written += world.written();
  }
  // The random choices must be such that something happens.
  EXPECT_GT(messages, 10 * (last - first + 1));
  EXPECT_TRUE(gaps > 0 || first == last);
  EXPECT_TRUE(recovered > 0 || first == last);
  EXPECT_TRUE(written > 10 || first == last);
}

}  // namespace
}  // namespace wspush::hub::test
