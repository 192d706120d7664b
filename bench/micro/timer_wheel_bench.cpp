#include <chrono>

#include <benchmark/benchmark.h>

#include "wspush/base/random.hpp"

#include "net/timer_wheel.hpp"

namespace wspush::net {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart{1h};

/// `count` heartbeats spread over 50 s, as a reactor with so many connections has them.
class Heartbeats {
 public:
  explicit Heartbeats(std::uint32_t count) : count_(count) {
    wheel_.make_room(count);
    for (std::uint32_t token = 0; token < count; ++token) {
      wheel_.schedule(token, kStart + any());
    }
  }

  Duration any() { return std::chrono::milliseconds(1 + random_.below(50'000)); }
  TimerWheel& wheel() { return wheel_; }
  std::uint32_t token() { return static_cast<std::uint32_t>(random_.below(count_)); }

 private:
  SplitMix64 random_{1};
  std::uint32_t count_;
  TimerWheel wheel_{kStart};
};

/// Moving a timer that is set: what a write timeout does.
void move_one(benchmark::State& state) {
  Heartbeats beats(static_cast<std::uint32_t>(state.range(0)));
  for (auto _ : state) {
    beats.wheel().schedule(beats.token(), kStart + beats.any());
  }
}
BENCHMARK(move_one)->Arg(1'000)->Arg(100'000);

/// Firing a heartbeat and setting it again, all falls through the levels included.
void fire_and_set_again(benchmark::State& state) {
  Heartbeats beats(static_cast<std::uint32_t>(state.range(0)));
  TimePoint now = kStart;
  std::size_t fired = 0;
  for (auto _ : state) {
    now += 1ms;
    fired += beats.wheel().expire(
        now, 1'000'000, [&](std::uint32_t token) { beats.wheel().schedule(token, now + 50s); });
  }
  state.counters["fired/turn"] =
      static_cast<double>(fired) / static_cast<double>(state.iterations());
  state.counters["time/fired"] = benchmark::Counter(
      static_cast<double>(fired), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(fire_and_set_again)->Arg(1'000)->Arg(100'000)->Iterations(500'000);

/// What each turn of a loop asks.
void tell_timeout(benchmark::State& state) {
  Heartbeats beats(static_cast<std::uint32_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(beats.wheel().poll_timeout_ms(kStart, 1000));
  }
}
BENCHMARK(tell_timeout)->Arg(1'000)->Arg(100'000);

}  // namespace
}  // namespace wspush::net
