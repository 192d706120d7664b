#include <cstring>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <zlib.h>

#include "wspush/base/random.hpp"

#include "websocket/permessage_deflate.hpp"

// A message through the deflater and inflater that all connections of a reactor share, against a
// copy of it (no compression at all) and against zlib used in the plainest way: a stream made for
// each message. Argument: bytes of the message, words and random letters of which half is left.
namespace wspush::websocket {
namespace {

std::string text_of(std::size_t bytes) {
  SplitMix64 random(1);
  std::string text;
  while (text.size() < bytes) {
    if (random.below(2) == 0) {
      text += "word" + std::to_string(random.below(100)) + " ";
    } else {
      for (int i = 0; i < 4; ++i) {
        text += static_cast<char>('a' + random.below(26));
      }
    }
  }
  text.resize(bytes);
  return text;
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int bytes : {128, 1 << 10, 16 << 10, 64 << 10}) {
    bench->Arg(bytes);
  }
}

void count(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

std::string deflated(const std::string& text) {
  Deflater deflater(Deflater::Options{});
  ScratchBuffer scratch;
  const ByteView part(text);
  const auto result = deflater.deflate({&part, 1}, scratch);
  return result ? std::string(*result) : std::string();
}

void BM_DeflateCopyOnly(benchmark::State& state) {
  const std::string text = text_of(static_cast<std::size_t>(state.range(0)));
  std::string copy(text.size(), '\0');
  for (auto _ : state) {
    std::memcpy(copy.data(), text.data(), text.size());
    benchmark::ClobberMemory();
  }
  count(state);
}
BENCHMARK(BM_DeflateCopyOnly)->Apply(sizes);

void BM_DeflateStreamForEach(benchmark::State& state) {
  const std::string text = text_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    z_stream stream{};
    if (deflateInit2(&stream, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      state.SkipWithError("no memory");
      return;
    }
    std::vector<unsigned char> out(deflateBound(&stream, text.size()) + 16);
    stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<unsigned>(text.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<unsigned>(out.size());
    deflate(&stream, Z_SYNC_FLUSH);
    benchmark::DoNotOptimize(out.data());
    deflateEnd(&stream);
  }
  count(state);
}
BENCHMARK(BM_DeflateStreamForEach)->Apply(sizes);

void BM_DeflateShared(benchmark::State& state) {
  const std::string text = text_of(static_cast<std::size_t>(state.range(0)));
  Deflater deflater(Deflater::Options{});
  ScratchBuffer scratch;
  const ByteView part(text);
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto result = deflater.deflate({&part, 1}, scratch);
    bytes = result ? result->size() : text.size();
    benchmark::DoNotOptimize(bytes);
  }
  count(state);
  state.counters["of_plain"] = static_cast<double>(bytes) / static_cast<double>(text.size());
}
BENCHMARK(BM_DeflateShared)->Apply(sizes);

void BM_InflateStreamForEach(benchmark::State& state) {
  const std::string text = text_of(static_cast<std::size_t>(state.range(0)));
  const std::string payload = deflated(text) + std::string("\0\0\xff\xff", 4);
  std::string out(text.size() + 16, '\0');
  for (auto _ : state) {
    z_stream stream{};
    if (inflateInit2(&stream, -15) != Z_OK) {
      state.SkipWithError("no memory");
      return;
    }
    stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(payload.data()));
    stream.avail_in = static_cast<unsigned>(payload.size());
    stream.next_out = reinterpret_cast<unsigned char*>(out.data());
    stream.avail_out = static_cast<unsigned>(out.size());
    inflate(&stream, Z_SYNC_FLUSH);
    benchmark::DoNotOptimize(out.data());
    inflateEnd(&stream);
  }
  count(state);
}
BENCHMARK(BM_InflateStreamForEach)->Apply(sizes);

void BM_InflateShared(benchmark::State& state) {
  const std::string text = text_of(static_cast<std::size_t>(state.range(0)));
  const std::string payload = deflated(text);
  Inflater inflater(Inflater::Options{});
  ScratchBuffer scratch;
  for (auto _ : state) {
    const FrameError error =
        inflater.inflate(payload, {.message_bytes_max = 1 << 20, .ratio_max = 1000}, scratch);
    if (error != FrameError::kNone || scratch.size() != text.size()) {
      state.SkipWithError("not what was deflated");
      return;
    }
  }
  count(state);
}
BENCHMARK(BM_InflateShared)->Apply(sizes);

}  // namespace
}  // namespace wspush::websocket
