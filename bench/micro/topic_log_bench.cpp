#include <deque>
#include <string>

#include <benchmark/benchmark.h>

#include "hub/topic_log.hpp"

// Appending to a log that is full (each message drops the oldest), against a std::deque that does
// the same. Both keep references to one message, so that its own cost is not in it. Argument:
// messages that are kept.
namespace wspush::hub {
namespace {

void BM_AppendToDeque(benchmark::State& state) {
  std::deque<MessageRef> log;
  const MessageRef message = Message::create(PayloadKind::kText, std::string(128, 'p'));
  for (auto _ : state) {
    log.push_back(message);
    if (log.size() > static_cast<std::size_t>(state.range(0))) {
      log.pop_front();
    }
  }
}
BENCHMARK(BM_AppendToDeque)->Arg(100)->Arg(10'000);

void BM_AppendToTopicLog(benchmark::State& state) {
  TopicLog log;
  const LogBounds bounds{.messages = static_cast<std::uint64_t>(state.range(0)),
                         .bytes = std::uint64_t{1} << 40};
  log.reset(1, 0);
  MessageRef message = Message::create(PayloadKind::kText, std::string(128, 'p'));
  std::uint64_t offset = 0;
  for (auto _ : state) {
    message->stamp({1, ++offset}, TimePoint{});
    log.append(message);
    log.trim(bounds, TimePoint{}, offset + 1);
  }
}
BENCHMARK(BM_AppendToTopicLog)->Arg(100)->Arg(10'000);

void BM_CreateMessage(benchmark::State& state) {
  const std::string payload(static_cast<std::size_t>(state.range(0)), 'p');
  for (auto _ : state) {
    benchmark::DoNotOptimize(Message::create(PayloadKind::kText, payload));
  }
}
BENCHMARK(BM_CreateMessage)->Arg(128)->Arg(1024);

}  // namespace
}  // namespace wspush::hub
