#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <benchmark/benchmark.h>

#include "wspush/base/random.hpp"

#include "base/name_table.hpp"
#include "base/record_pool.hpp"
#include "base/slot_map.hpp"

// The tables of a reactor against what one would take from the standard library. Argument: entries
// in the table; each look-up is for another one, at random.
namespace wspush {
namespace {

void entries(benchmark::internal::Benchmark* bench) {
  for (const int count : {1'000, 100'000, 1'000'000}) {
    bench->Arg(count);
  }
}

std::vector<std::string> names_of(std::size_t count) {
  std::vector<std::string> names;
  names.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back("rooms." + std::to_string(i * 7919 % count) + ".chat");
  }
  return names;
}

void BM_TopicLookupUnorderedMap(benchmark::State& state) {
  const auto names = names_of(static_cast<std::size_t>(state.range(0)));
  std::unordered_map<std::string, std::uint32_t> table;
  for (std::uint32_t i = 0; i < names.size(); ++i) {
    table.emplace(names[i], i);
  }
  SplitMix64 random(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(table.find(names[random.below(names.size())]));
  }
}
BENCHMARK(BM_TopicLookupUnorderedMap)->Apply(entries);

struct NameIn {
  const std::vector<std::string>* names;
  ByteView operator()(std::uint32_t index) const { return (*names)[index]; }
};

void BM_TopicLookupNameTable(benchmark::State& state) {
  const auto names = names_of(static_cast<std::size_t>(state.range(0)));
  SplitMix64 random(1);
  NameTable<NameIn> table(SipKey::from(random), NameIn{&names});
  for (std::uint32_t i = 0; i < names.size(); ++i) {
    table.insert(names[i], i);
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(table.find(names[random.below(names.size())]));
  }
  state.counters["bytes/entry"] =
      static_cast<double>(table.bytes()) / static_cast<double>(names.size());
}
BENCHMARK(BM_TopicLookupNameTable)->Apply(entries);

struct Record {
  std::uint64_t values[11] = {};
};

void BM_HandleLookupUnorderedMap(benchmark::State& state) {
  std::unordered_map<std::uint64_t, Record> records;
  std::vector<std::uint64_t> keys;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    keys.push_back(static_cast<std::uint64_t>(i) << 8);
    records.emplace(keys.back(), Record{});
  }
  SplitMix64 random(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(records.find(keys[random.below(keys.size())])->second.values[0]++);
  }
}
BENCHMARK(BM_HandleLookupUnorderedMap)->Apply(entries);

void BM_HandleLookupSlotMap(benchmark::State& state) {
  SlotMap<Record> records;
  std::vector<Handle> handles;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    handles.push_back(records.emplace());
  }
  SplitMix64 random(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(records.find(handles[random.below(handles.size())])->values[0]++);
  }
}
BENCHMARK(BM_HandleLookupSlotMap)->Apply(entries);

/// One goes, another one comes: what a connection costs its table.
void BM_ReplaceByNew(benchmark::State& state) {
  std::vector<Record*> records(static_cast<std::size_t>(state.range(0)));
  for (Record*& record : records) {
    record = new Record;
  }
  SplitMix64 random(1);
  for (auto _ : state) {
    Record*& record = records[random.below(records.size())];
    delete record;
    record = new Record;
  }
  for (Record* record : records) {
    delete record;
  }
}
BENCHMARK(BM_ReplaceByNew)->Apply(entries);

void BM_ReplaceInSlotMap(benchmark::State& state) {
  SlotMap<Record> records;
  std::vector<Handle> handles;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    handles.push_back(records.emplace());
  }
  SplitMix64 random(1);
  for (auto _ : state) {
    Handle& handle = handles[random.below(handles.size())];
    records.erase(handle);
    handle = records.emplace();
  }
}
BENCHMARK(BM_ReplaceInSlotMap)->Apply(entries);

void BM_ReplaceInRecordPool(benchmark::State& state) {
  RecordPool pool;
  std::vector<void*> records(static_cast<std::size_t>(state.range(0)));
  for (void*& record : records) {
    record = pool.take(sizeof(Record));
  }
  SplitMix64 random(1);
  for (auto _ : state) {
    void*& record = records[random.below(records.size())];
    pool.give_back(record, sizeof(Record));
    record = ::new (pool.take(sizeof(Record))) Record;
  }
  for (void* record : records) {
    pool.give_back(record, sizeof(Record));
  }
}
BENCHMARK(BM_ReplaceInRecordPool)->Apply(entries);

}  // namespace
}  // namespace wspush
