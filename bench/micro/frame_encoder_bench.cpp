#include <cstring>
#include <string>

#include <benchmark/benchmark.h>

#include "websocket/frame_encoder.hpp"

// Frames of the server against a copy of the same bytes. Argument: payload bytes.
namespace wspush::websocket {
namespace {

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int bytes : {20, 128, 1 << 10, 64 << 10}) {
    bench->Arg(bytes);
  }
}

void BM_EncodeCopyOnly(benchmark::State& state) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'p');
  std::string out;
  for (auto _ : state) {
    out.assign(payload);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_EncodeCopyOnly)->Apply(sizes);

void BM_EncodeFrame(benchmark::State& state) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'p');
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_frame(out, Opcode::kText, payload);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_EncodeFrame)->Apply(sizes);

/// Where the payload stays in its place: the header alone.
void BM_EncodeHeader(benchmark::State& state) {
  auto bytes = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    benchmark::DoNotOptimize(encode_server_header(Opcode::kText, bytes));
  }
}
BENCHMARK(BM_EncodeHeader)->Apply(sizes);

}  // namespace
}  // namespace wspush::websocket
