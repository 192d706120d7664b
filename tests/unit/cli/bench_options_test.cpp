#include "cli/bench_options.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

using load::Dialect;
using load::PublishBy;
using load::Scenario;
using testing::HasSubstr;
using Arguments = std::vector<const char*>;

Result<BenchOptions, std::string> parse(const Arguments& arguments) {
  return parse_bench_options({arguments.data(), arguments.size()});
}

TEST(BenchOptions, HaveDefaultsOfTheirScenario) {
  struct Expected {
    const char* name;
    Scenario scenario;
    std::size_t connections;
    std::size_t depth;
  };
  for (const Expected& each :
       std::initializer_list<Expected>{{"fan-out", Scenario::kFanOut, 1000, 1},
                                       {"echo", Scenario::kEcho, 50, 1},
                                       {"idle", Scenario::kIdle, 1000, 1},
                                       {"stalled", Scenario::kStalled, 50, 1},
                                       {"handshakes", Scenario::kHandshakes, 32, 1},
                                       {"pings", Scenario::kPings, 1000, 1},
                                       {"publish", Scenario::kPublish, 0, 16}}) {
    const auto options = parse({each.name});
    ASSERT_TRUE(options) << options.error();
    EXPECT_EQ(options->run.scenario, each.scenario);
    EXPECT_EQ(options->run.connections, each.connections) << each.name;
    EXPECT_EQ(options->run.depth, each.depth) << each.name;
    EXPECT_EQ(options->run.server.authority, "127.0.0.1:8080");
    EXPECT_FALSE(options->json);
  }
  EXPECT_EQ(parse({"publish"})->run.dialect, Dialect::kWspushV1);
  EXPECT_EQ(parse({"fan-out"})->run.dialect, Dialect::kRaw);
}

TEST(BenchOptions, AreTaken) {
  const auto options = parse({"fan-out",     "--url",
                              "wss://h:1/p", "--dialect=wspush.v1",
                              "--publish",   "http",
                              "--api",       "http://i:2",
                              "--key",       "k",
                              "--token",     "t.o.k",
                              "--insecure",  "--connections",
                              "10",          "--payload-bytes",
                              "16",          "--payload",
                              "non-ascii",   "--window",
                              "16",          "--duration",
                              "0.5",         "--warm-up",
                              "0",           "--deflate",
                              "--json",      "--server-pid",
                              "7",           "--topic",
                              "a.b",         "--progress",
                              "--spin"});
  ASSERT_TRUE(options) << options.error();
  const load::Options& run = options->run;
  EXPECT_EQ(run.server.host, "h");
  EXPECT_EQ(run.server.address.port, 1);
  EXPECT_EQ(run.server.path, "/p");
  EXPECT_TRUE(run.server.uses_tls);
  EXPECT_EQ(run.dialect, Dialect::kWspushV1);
  EXPECT_EQ(run.publish_by, PublishBy::kHttp);
  EXPECT_EQ(run.api->authority, "i:2");
  EXPECT_EQ(run.api_key, "k");
  EXPECT_EQ(run.token, "t.o.k");
  EXPECT_FALSE(run.tls.verifies);
  EXPECT_EQ(run.connections, 10U);
  EXPECT_EQ(run.payload_kind, load::PayloadKind::kNonAscii);
  EXPECT_EQ(run.window, 16U);
  EXPECT_EQ(run.duration, std::chrono::milliseconds(500));
  EXPECT_EQ(run.warm_up.count(), 0);
  EXPECT_EQ(run.messages, 0U);
  EXPECT_EQ(run.server_pid, 7);
  EXPECT_EQ(run.topic, "a.b");
  EXPECT_TRUE(run.is_deflated);
  EXPECT_TRUE(run.spins);
  EXPECT_TRUE(options->json);
  EXPECT_TRUE(options->progress);
}

TEST(BenchOptions, TellALoneSlashFromNoPath) {
  EXPECT_FALSE(parse({"echo", "--url", "ws://h:1"})->run.is_root_path);
  EXPECT_TRUE(parse({"echo", "--url", "ws://h:1/"})->run.is_root_path);
  EXPECT_FALSE(parse({"echo", "--url", "ws://h:1/e/"})->run.is_root_path);
}

TEST(BenchOptions, FindTheApiOfALocalServer) {
  EXPECT_FALSE(parse({"publish"})->run.api);
  EXPECT_EQ(parse({"publish", "--publish", "ndjson"})->run.api->authority, "127.0.0.1:8081");
}

TEST(BenchOptions, CheckAHundredMessagesFromTheFirstOn) {
  const auto options = parse({"fan-out", "--check"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->run.messages, 100U);
  EXPECT_EQ(options->run.warm_up.count(), 0);
  EXPECT_EQ(parse({"fan-out", "--check", "--messages", "7"})->run.messages, 7U);
}

TEST(BenchOptions, RefuseWhatIsUnknownMissingOrOutOfBounds) {
  for (const Arguments& arguments : std::initializer_list<Arguments>{
           {},
           {"--url", "ws://h:1"},
           {"fanout"},
           {"fan-out", "extra"},
           {"fan-out", "--url"},
           {"fan-out", "--url", "h:1"},
           {"fan-out", "--url", "http://h:1"},
           {"fan-out", "--connections", "0"},
           {"fan-out", "--connections", "-1"},
           {"fan-out", "--payload-bytes", "15"},
           {"fan-out", "--window", "4097"},
           {"fan-out", "--rate", "nan"},
           {"fan-out", "--rate", "5", "--window", "2"},
           {"fan-out", "--dialect", "echo"},
           {"fan-out", "--speed", "1"},
           {"fan-out", "--json=yes"},
           {"fan-out", "--depth", "2"},
           {"fan-out", "--duration", "0"},
           {"fan-out", "--topic", "a\"b"},
           {"fan-out", "--topic", ""},
           {"fan-out", "--key", "a\nb"},
           {"fan-out", "--dialect", "floor", "--publish", "http"},
           {"fan-out", "--publish", "ndjson"},
           {"fan-out", "--dialect", "nats", "--deflate"},
           {"fan-out", "--dialect", "wspush.v1", "--payload", "random"},
           {"fan-out", "--ca", "f", "--insecure"},
           {"echo", "--window", "2"},
           {"echo", "--spin"},
           {"echo", "--text", "--payload", "random"},
           {"handshakes", "--resume"},
           {"idle", "--payload-bytes", "16"},
       }) {
    const auto options = parse(arguments);
    EXPECT_FALSE(options) << (arguments.size() > 1 ? arguments[1] : "");
    if (!options) {
      EXPECT_THAT(options.error(), HasSubstr("--help"));
    }
  }
}

TEST(BenchOptions, SayWhatIsAllowed) {
  EXPECT_EQ(parse({"fan-out", "--window", "x"}).error(),
            "--window x: allowed is 1 to 4096 (see wspush bench --help)");
  EXPECT_EQ(parse({"echo", "--rate", "1"}).error(),
            "--rate is not for wspush bench echo (see wspush bench --help)");
}

TEST(BenchOptions, HelpFitsAScreen) {
  EXPECT_TRUE(parse({"--help"})->wants_help);
  EXPECT_TRUE(parse({"echo", "-h"})->wants_help);
  EXPECT_LE(std::ranges::count(kBenchHelp, '\n'), 24);
  std::size_t start = 0;
  for (std::size_t end = kBenchHelp.find('\n'); end != std::string_view::npos;
       end = kBenchHelp.find('\n', start)) {
    EXPECT_LE(end - start, 80U) << kBenchHelp.substr(start, end - start);
    start = end + 1;
  }
}

}  // namespace
}  // namespace wspush::cli
