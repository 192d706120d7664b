#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.hpp"
#include "net/tls_records.hpp"

// What a record of TLS 1.3 costs us. Arguments: bytes of content, connections that take turns. With
// one connection the context has its key already, with more it gets another one each time.
namespace wspush::net {
namespace {

constexpr auto kSuite = TlsSuite::kAes128GcmSha256;

struct Connection {
  Connection(unsigned char fill, TlsCrypto& crypto) {
    const std::vector<unsigned char> secret(secret_bytes(kSuite), fill);
    WSPUSH_CHECK(records.start({secret, 0}, {secret, 0}, crypto));
  }
  TlsRecords records{kSuite};
};

std::vector<std::unique_ptr<Connection>> make_connections(std::int64_t count, TlsCrypto& crypto) {
  std::vector<std::unique_ptr<Connection>> made;
  for (std::int64_t i = 0; i < count; ++i) {
    made.push_back(std::make_unique<Connection>(static_cast<unsigned char>(i), crypto));
  }
  return made;
}

void seal(TlsRecords& records, const std::string& content, std::string& out, TlsCrypto& crypto) {
  out.assign(TlsRecords::kHeaderBytes, '\0');
  out += content;
  WSPUSH_CHECK(records.seal(TlsContent::kApplicationData, 0, out, crypto));
}

void Seal(benchmark::State& state) {
  TlsCrypto crypto;
  const auto connections = make_connections(state.range(1), crypto);
  const std::string content(static_cast<std::size_t>(state.range(0)), 'x');
  std::string out;
  std::size_t next = 0;
  for (auto _ : state) {
    seal(connections[next]->records, content, out, crypto);
    next = next + 1 == connections.size() ? 0 : next + 1;
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Seal)->ArgsProduct({{20, 128, 1024, 16384}, {1, 2, 1000}});

void SealAndOpen(benchmark::State& state) {
  TlsCrypto crypto;
  const auto connections = make_connections(state.range(1), crypto);
  const std::string content(static_cast<std::size_t>(state.range(0)), 'x');
  std::string wire;
  std::vector<char> room(20'000);
  std::size_t next = 0;
  for (auto _ : state) {
    TlsRecords& records = connections[next]->records;
    seal(records, content, wire, crypto);
    const TlsRecords::Opened opened = records.open(wire, room, crypto);
    WSPUSH_CHECK(opened.outcome == TlsRecords::Outcome::kContent);
    next = next + 1 == connections.size() ? 0 : next + 1;
    benchmark::DoNotOptimize(opened.content.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(SealAndOpen)->ArgsProduct({{20, 16384}, {1, 2, 1000}});

void StartConnection(benchmark::State& state) {
  TlsCrypto crypto;
  for (auto _ : state) {
    benchmark::DoNotOptimize(Connection(1, crypto));
  }
}
BENCHMARK(StartConnection);

}  // namespace
}  // namespace wspush::net
