#include <algorithm>
#include <cstring>
#include <string>

#include <benchmark/benchmark.h>

#include "aligned_bytes.hpp"
#include "websocket/masking.hpp"

// Unmasking in place against copying (the speed of the memory) and a loop over bytes (the least
// that one could write). Argument: payload bytes. The payloads lie one behind the other as in a
// receive buffer, each behind a header, and take turns: unmasking one again at once would wait for
// its own stores of the time before.
namespace wspush::websocket {
namespace {

constexpr MaskingKey kKey = {0x37, 0xFA, 0x21, 0x3D};

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int bytes : {20, 128, 1 << 10, 16 << 10, 64 << 10, 1 << 20}) {
    bench->Arg(bytes);
  }
}

void count(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

/// Payloads of `bytes`, in 16 KiB if so many fit.
class Payloads {
 public:
  explicit Payloads(std::int64_t bytes)
      : bytes_(static_cast<std::size_t>(bytes)),
        count_(std::max<std::size_t>(1, kTogether / bytes_)),
        memory_(std::string(count_ * (bytes_ + kHeaderBytes), 'p'), kSourceOffset) {}

  MutableBytes next() {
    at_ = at_ + 1 == count_ ? 0 : at_ + 1;
    return memory_.bytes().subspan(at_ * (bytes_ + kHeaderBytes) + kHeaderBytes, bytes_);
  }

 private:
  static constexpr std::size_t kTogether = 16 << 10;
  static constexpr std::size_t kHeaderBytes = 8;

  std::size_t bytes_;
  std::size_t count_;
  std::size_t at_ = 0;
  AlignedBytes memory_;
};

void BM_Memcpy(benchmark::State& state) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'p');
  const AlignedBytes from(payload, kSourceOffset);
  const AlignedBytes to(payload, kTargetOffset);
  for (auto _ : state) {
    std::memcpy(to.bytes().data(), from.bytes().data(), payload.size());
    benchmark::ClobberMemory();
  }
  count(state);
}
BENCHMARK(BM_Memcpy)->Apply(sizes);

void BM_UnmaskByBytes(benchmark::State& state) {
  std::string payload(static_cast<std::size_t>(state.range(0)), 'p');
  for (auto _ : state) {
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<char>(static_cast<unsigned char>(payload[i]) ^ kKey[i % 4]);
    }
    benchmark::ClobberMemory();
  }
  count(state);
}
BENCHMARK(BM_UnmaskByBytes)->Apply(sizes);

void BM_Unmask(benchmark::State& state) {
  Payloads payloads(state.range(0));
  for (auto _ : state) {
    unmask(payloads.next(), kKey);
    benchmark::ClobberMemory();
  }
  count(state);
}
BENCHMARK(BM_Unmask)->Apply(sizes);

template <SimdLevel kLevel>
void BM_UnmaskAtLevel(benchmark::State& state) {
  if (!is_supported(kLevel)) {
    state.SkipWithError("not supported by this CPU");
    return;
  }
  Payloads payloads(state.range(0));
  for (auto _ : state) {
    unmask(payloads.next(), kKey, 0, kLevel);
    benchmark::ClobberMemory();
  }
  count(state);
}
BENCHMARK_TEMPLATE(BM_UnmaskAtLevel, SimdLevel::kPlain)->Apply(sizes);
BENCHMARK_TEMPLATE(BM_UnmaskAtLevel, SimdLevel::kAvx2)->Apply(sizes);
BENCHMARK_TEMPLATE(BM_UnmaskAtLevel, SimdLevel::kAvx512)->Apply(sizes);

/// Unmasking and validating: in one pass as for text, or one after the other. The payload is
/// unmasked with a key of zeros, so that it stays text.
void BM_UnmaskText(benchmark::State& state) {
  std::string payload(static_cast<std::size_t>(state.range(0)), 'p');
  for (std::size_t i = 0; i + 1 < payload.size(); i += 2) {
    payload[i] = '\xC3';
    payload[i + 1] = '\xA9';
  }
  for (auto _ : state) {
    Utf8Validator text;
    benchmark::DoNotOptimize(unmask_text(payload, {}, text));
  }
  count(state);
}
BENCHMARK(BM_UnmaskText)->Apply(sizes)->Arg(16 << 20);

void BM_UnmaskThenValidate(benchmark::State& state) {
  std::string payload(static_cast<std::size_t>(state.range(0)), 'p');
  for (std::size_t i = 0; i + 1 < payload.size(); i += 2) {
    payload[i] = '\xC3';
    payload[i + 1] = '\xA9';
  }
  for (auto _ : state) {
    unmask(payload, {});
    benchmark::DoNotOptimize(is_valid_utf8(payload));
  }
  count(state);
}
BENCHMARK(BM_UnmaskThenValidate)->Apply(sizes)->Arg(16 << 20);

}  // namespace
}  // namespace wspush::websocket
