#include <cstring>
#include <string>

#include <benchmark/benchmark.h>

#include "aligned_bytes.hpp"
#include "websocket/frame_encoder.hpp"
#include "websocket/frame_parser.hpp"
#include "websocket/message_assembler.hpp"
#include "websocket/opening_handshake.hpp"

// A receive buffer full of client frames: copied only, cut into frames by the parser, and made
// into messages by the assembler (limits, UTF-8). Argument: payload bytes of a frame. Every round
// works on a fresh copy, since unmasking changes it; BM_CopyOnly is the price of that.
namespace wspush::websocket {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;

std::string stream_of(std::size_t payload_bytes, Opcode opcode, std::size_t& frames) {
  const std::string payload(payload_bytes, 'p');
  std::string stream;
  frames = 0;
  while (stream.size() + payload_bytes + kFrameHeaderBytesMax <= kBufferBytes) {
    append_masked_frame(stream, opcode, payload, {0x37, 0xFA, 0x21, 0x3D});
    ++frames;
  }
  return stream;
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int bytes : {0, 20, 64, 128, 1 << 10, 16 << 10}) {
    bench->Arg(bytes);
  }
}

void count(benchmark::State& state, const std::string& stream, std::size_t frames) {
  const auto rounds = static_cast<double>(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(rounds * static_cast<double>(stream.size())));
  state.counters["per_frame"] =
      benchmark::Counter(rounds * static_cast<double>(frames),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_CopyOnly(benchmark::State& state) {
  std::size_t frames = 0;
  const std::string stream =
      stream_of(static_cast<std::size_t>(state.range(0)), Opcode::kText, frames);
  const AlignedBytes source(stream, kSourceOffset);
  const AlignedBytes target(stream, kTargetOffset);
  for (auto _ : state) {
    std::memcpy(target.bytes().data(), source.bytes().data(), stream.size());
    benchmark::ClobberMemory();
  }
  count(state, stream, frames);
}
BENCHMARK(BM_CopyOnly)->Apply(sizes);

void BM_FrameParser(benchmark::State& state) {
  std::size_t frames = 0;
  const std::string stream =
      stream_of(static_cast<std::size_t>(state.range(0)), Opcode::kText, frames);
  const AlignedBytes source(stream, kSourceOffset);
  const AlignedBytes target(stream, kTargetOffset);
  for (auto _ : state) {
    std::memcpy(target.bytes().data(), source.bytes().data(), stream.size());
    FrameParser parser;
    FrameHeader header;
    MutableBytes input = target.bytes();
    while (parser.take_header(input, {}, header) == FrameError::kNone && header.header_bytes != 0) {
      benchmark::DoNotOptimize(parser.take_payload(input));
    }
  }
  count(state, stream, frames);
}
BENCHMARK(BM_FrameParser)->Apply(sizes);

template <Opcode kOpcode>
void BM_MessageAssembler(benchmark::State& state) {
  std::size_t frames = 0;
  const std::string stream = stream_of(static_cast<std::size_t>(state.range(0)), kOpcode, frames);
  const AlignedBytes source(stream, kSourceOffset);
  const AlignedBytes target(stream, kTargetOffset);
  const MessageRules rules;
  for (auto _ : state) {
    std::memcpy(target.bytes().data(), source.bytes().data(), stream.size());
    MessageAssembler assembler;
    MutableBytes input = target.bytes();
    while (assembler.next(input, rules).kind != AssemblerEvent::Kind::kNone) {
    }
  }
  count(state, stream, frames);
}
BENCHMARK_TEMPLATE(BM_MessageAssembler, Opcode::kText)->Apply(sizes);
BENCHMARK_TEMPLATE(BM_MessageAssembler, Opcode::kBinary)->Apply(sizes);

void BM_AcceptKey(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(accept_key("dGhlIHNhbXBsZSBub25jZQ=="));
  }
}
BENCHMARK(BM_AcceptKey);

}  // namespace
}  // namespace wspush::websocket
