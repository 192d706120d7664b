#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "door/deflation.hpp"
#include "door/wire_forms.hpp"
#include "metrics/reactor_metrics.hpp"

// One wire form of one message, as each is made once, against a copy of the message. Argument:
// payload bytes of a JSON message.
namespace wspush::door {
namespace {

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int bytes : {128, 1 << 10, 16 << 10}) {
    bench->Arg(bytes);
  }
}

std::string payload_of(std::int64_t bytes) {
  return '"' + std::string(static_cast<std::size_t>(bytes) - 2, 'p') + '"';
}

void BM_WireFormCopyOnly(benchmark::State& state) {
  const std::string payload = payload_of(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::make_unique<std::string>(payload));
  }
}
BENCHMARK(BM_WireFormCopyOnly)->Apply(sizes);

template <hub::WireForm kForm>
void BM_WireForm(benchmark::State& state) {
  const config::Compression compression;
  metrics::ReactorMetrics metrics;
  Deflation deflation(compression, metrics);
  const auto forms = wire_forms(deflation);
  const hub::MessageRef message =
      hub::Message::create(hub::PayloadKind::kJson, payload_of(state.range(0)));
  message->stamp({1, 12345}, TimePoint{});
  for (auto _ : state) {
    benchmark::DoNotOptimize(forms[static_cast<std::size_t>(kForm)]("rooms.1.chat", *message));
  }
}
BENCHMARK_TEMPLATE(BM_WireForm, hub::WireForm::kRaw)->Apply(sizes);
BENCHMARK_TEMPLATE(BM_WireForm, hub::WireForm::kWspushV1)->Apply(sizes);
BENCHMARK_TEMPLATE(BM_WireForm, hub::WireForm::kWspushV1Deflated15)->Apply(sizes);

}  // namespace
}  // namespace wspush::door
