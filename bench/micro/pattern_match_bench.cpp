// What it costs a home to find the feeds that a topic fits: the tree, and the list that it is
// compared with in its tests. Argument: patterns; each topic fits three of them.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "hub/pattern_tree.hpp"

namespace wspush::hub {
namespace {

struct Patterns {
  explicit Patterns(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string number = std::to_string(i / 3);
      filters.push_back(i % 3 == 0   ? "market.stocks." + number + ".*"
                        : i % 3 == 1 ? "market.*." + number + ".>"
                                     : "*.stocks." + number + ".price");
    }
  }
  /// One of them all, another one each time.
  std::string topic(std::size_t round) const {
    return "market.stocks." + std::to_string(round % (filters.size() / 3)) + ".price";
  }

  std::vector<std::string> filters;
};

void tree(benchmark::State& state) {
  const Patterns patterns(state.range(0));
  PatternTree tree({1, 2});
  for (std::uint32_t id = 0; id < patterns.filters.size(); ++id) {
    tree.add(patterns.filters[id], id);
  }
  std::vector<std::string> topics;
  for (std::size_t i = 0; i < 64; ++i) {
    topics.push_back(patterns.topic(i * 37));
  }
  std::vector<std::uint32_t> ids;
  std::size_t round = 0;
  for (auto _ : state) {
    ids.clear();
    tree.match(topics[round++ % topics.size()], ids);
    benchmark::DoNotOptimize(ids.data());
  }
  state.counters["matches"] = static_cast<double>(ids.size());
}

void list(benchmark::State& state) {
  const Patterns patterns(state.range(0));
  std::vector<std::string> topics;
  for (std::size_t i = 0; i < 64; ++i) {
    topics.push_back(patterns.topic(i * 37));
  }
  std::vector<std::uint32_t> ids;
  std::size_t round = 0;
  for (auto _ : state) {
    ids.clear();
    const std::string& topic = topics[round++ % topics.size()];
    for (std::uint32_t id = 0; id < patterns.filters.size(); ++id) {
      if (filter_fits(patterns.filters[id], topic)) {
        ids.push_back(id);
      }
    }
    benchmark::DoNotOptimize(ids.data());
  }
  state.counters["matches"] = static_cast<double>(ids.size());
}

BENCHMARK(tree)->Arg(3)->Arg(30)->Arg(3'000)->Arg(300'000);
BENCHMARK(list)->Arg(3)->Arg(30)->Arg(3'000)->Arg(300'000);

}  // namespace
}  // namespace wspush::hub
