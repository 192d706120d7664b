#include <set>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "wspush/base/random.hpp"

#include "hub/subscription_table.hpp"

// Subscribing and unsubscribing again, against a std::set of pairs. Argument: subscriptions that
// are there meanwhile, ten of each connection.
namespace wspush::hub {
namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;  // topic, connection
constexpr std::uint32_t kTopics = 1000;

void counts(benchmark::internal::Benchmark* bench) {
  for (const int count : {1'000, 100'000, 1'000'000}) {
    bench->Arg(count);
  }
}

std::vector<Pair> pairs_of(std::int64_t count) {
  std::vector<Pair> pairs;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto connection = static_cast<std::uint32_t>(i / 10);
    pairs.emplace_back((connection * 31 + static_cast<std::uint32_t>(i % 10) * 97) % kTopics,
                       connection);
  }
  return pairs;
}

void BM_ResubscribeInSet(benchmark::State& state) {
  const auto pairs = pairs_of(state.range(0));
  std::set<Pair> table(pairs.begin(), pairs.end());
  SplitMix64 random(1);
  for (auto _ : state) {
    const Pair& pair = pairs[random.below(pairs.size())];
    table.erase(pair);
    table.insert(pair);
  }
}
BENCHMARK(BM_ResubscribeInSet)->Apply(counts);

void BM_ResubscribeInTable(benchmark::State& state) {
  const auto pairs = pairs_of(state.range(0));
  SubscriptionTable table;
  for (const auto& [topic, slot] : pairs) {
    if (table.find(topic, slot) == kNone) {
      table.add(topic, slot, WireForm::kWspushV1, Mode::kAll);
    }
  }
  SplitMix64 random(1);
  for (auto _ : state) {
    const auto& [topic, slot] = pairs[random.below(pairs.size())];
    table.remove(table.find(topic, slot));
    table.add(topic, slot, WireForm::kWspushV1, Mode::kAll);
  }
}
BENCHMARK(BM_ResubscribeInTable)->Apply(counts);

}  // namespace
}  // namespace wspush::hub
