#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include "aligned_bytes.hpp"
#include "base/utf8.hpp"

// UTF-8 validation of four kinds of text against simdjson's validator, the plain variant and
// copying. Arguments: bytes, kind of text.
namespace wspush {
namespace {

enum Kind { kAscii, kLatin, kCyrillic, kCjkAndEmoji };

std::string text_of(Kind kind, std::size_t bytes) {
  constexpr std::string_view kSamples[] = {R"({"symbol":"ACME","price":101.25,"size":300},)",
                                           R"({"ville":"Orléans","café":"fermé à 18h"},)",
                                           "Съешь ещё этих мягких французских булок, ",
                                           "敏捷的棕色狐狸跳过了懒狗🦊🐶 "};
  std::string text;
  while (text.size() < bytes) {
    text += kSamples[kind];
  }
  while (!is_valid_utf8(text.substr(0, bytes))) {
    text.insert(0, 1, ' ');  // until the cut falls between two code points
  }
  text.resize(bytes);
  return text;
}

void sizes_and_kinds(benchmark::internal::Benchmark* bench) {
  for (const int kind : {kAscii, kLatin, kCyrillic, kCjkAndEmoji}) {
    for (const int bytes : {16, 48, 128, 1 << 10, 16 << 10}) {
      bench->Args({bytes, kind});
    }
  }
}

std::string text_of(const benchmark::State& state) {
  return text_of(static_cast<Kind>(state.range(1)), static_cast<std::size_t>(state.range(0)));
}

void count(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

void BM_IsValidUtf8(benchmark::State& state) {
  const std::string text = text_of(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(is_valid_utf8(text));
  }
  count(state);
}
BENCHMARK(BM_IsValidUtf8)->Apply(sizes_and_kinds);

void BM_SimdjsonUtf8(benchmark::State& state) {
  const std::string text = text_of(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(simdjson::validate_utf8(text));
  }
  count(state);
}
BENCHMARK(BM_SimdjsonUtf8)->Apply(sizes_and_kinds);

template <SimdLevel kLevel>
void BM_IsValidUtf8AtLevel(benchmark::State& state) {
  if (!is_supported(kLevel)) {
    state.SkipWithError("not supported by this CPU");
    return;
  }
  const std::string text = text_of(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(is_valid_utf8(text, kLevel));
  }
  count(state);
}
BENCHMARK_TEMPLATE(BM_IsValidUtf8AtLevel, SimdLevel::kPlain)->Apply(sizes_and_kinds);
BENCHMARK_TEMPLATE(BM_IsValidUtf8AtLevel, SimdLevel::kAvx2)->Apply(sizes_and_kinds);
BENCHMARK_TEMPLATE(BM_IsValidUtf8AtLevel, SimdLevel::kAvx512)->Apply(sizes_and_kinds);

void BM_Utf8Validator(benchmark::State& state) {
  const std::string text = text_of(state);
  for (auto _ : state) {
    Utf8Validator validator;
    benchmark::DoNotOptimize(validator.feed(text));
  }
  count(state);
}
BENCHMARK(BM_Utf8Validator)->Apply(sizes_and_kinds);

void BM_CopyText(benchmark::State& state) {
  const AlignedBytes from(text_of(state), kSourceOffset);
  const AlignedBytes to(text_of(state), kTargetOffset);
  for (auto _ : state) {
    std::memcpy(to.bytes().data(), from.bytes().data(), from.bytes().size());
    benchmark::ClobberMemory();
  }
  count(state);
}
BENCHMARK(BM_CopyText)->Apply(sizes_and_kinds);

}  // namespace
}  // namespace wspush
