#include "cli/bench_options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <optional>

#include "cli/endpoint.hpp"
#include "cli/options.hpp"
#include "http/grammar.hpp"

namespace wspush::cli {

const std::string_view kBenchHelp = R"(wspush bench: puts load on a server and says what comes of it

usage: wspush bench SCENARIO [OPTION...]      --connections, if not given
 fan-out     one publisher, all subscribers have each message once      1000
 stalled     the same beside --stalled N (200) that stop reading          50
 publish     --publishers N (1) --depth D (16); subscribers                0
 echo        each has --depth D (1) messages in flight; --text            50
 handshakes  so many at once: connect, upgrade, close; --resume           32
 idle, pings open and silent: memory, CPU, the pings of the server      1000

 --url ws://HOST:PORT[/PATH], wss://  (ws://127.0.0.1:8080); --api http://...
 --token, --key, --ca FILE, --insecure     as for the other commands
 --dialect raw|wspush.v1|nchan|nats|mqtt|floor     how the server is spoken to
 --publish connection|unanswered|http|http-pipelined|ndjson   how messages go in
 --topic T (bench)  --payload-bytes N (128)  --deflate  --check: every byte
 --payload letter|mixed|non-ascii|random
 --window K (1): K messages, the next K when all are there; or --rate R a second
 --spin: never sleep, so that no server is charged for waking the load program
 --duration S (2)  --messages M  --warm-up S (0.3)  --timeout S (30)
 --server-pid PID  its CPU and memory too   --json  --progress
Exit code 1: no server, or a message lost, twice, or out of order.
)";

namespace {

using load::Dialect;
using load::PayloadKind;
using load::PublishBy;
using load::Scenario;
using View = std::string_view;

constexpr std::size_t kConnectionsMax = 1000000;
constexpr std::size_t kPublishersMax = 10000;
constexpr std::size_t kPayloadBytesMax = std::size_t{1} << 20;
constexpr std::size_t kInFlightMax = 4096;
constexpr std::uint64_t kMessagesMax = 1000000000;
constexpr double kSecondsMax = 86400;
constexpr double kRateMax = 1000000;

constexpr std::array kScenarios = {Scenario::kFanOut,    Scenario::kEcho,  Scenario::kIdle,
                                   Scenario::kStalled,   Scenario::kPings, Scenario::kPublish,
                                   Scenario::kHandshakes};

constexpr unsigned bit(Scenario scenario) {
  return 1U << static_cast<unsigned>(scenario);
}
constexpr unsigned kFanOuts = bit(Scenario::kFanOut) | bit(Scenario::kStalled);
constexpr unsigned kPublishing = kFanOuts | bit(Scenario::kPublish);
constexpr unsigned kEcho = bit(Scenario::kEcho);
constexpr unsigned kMoving = kPublishing | kEcho | bit(Scenario::kHandshakes);
constexpr unsigned kAll = ~0U;

template <typename Number>
bool read_number(View text, Number low, Number high, Number& out) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || !(value >= low && value <= high)) {
    return false;
  }
  out = value;
  return true;
}

bool read_seconds(View text, double low, std::chrono::nanoseconds& out) {
  double seconds = 0;
  if (!read_number(text, low, kSecondsMax, seconds)) {
    return false;
  }
  out = std::chrono::nanoseconds(std::llround(seconds * 1e9));
  return true;
}

template <typename Choice>
bool read_choice(View text, std::initializer_list<Choice> known, Choice& out) {
  const auto* found =
      std::ranges::find_if(known, [&](Choice each) { return text == name_of(each); });
  if (found == known.end()) {
    return false;
  }
  out = *found;
  return true;
}

/// What needs no escaping anywhere: in a path, in JSON, in a line of NATS.
bool is_plain_topic(View topic) {
  return !topic.empty() && topic.size() <= 255 && std::ranges::all_of(topic, [](char byte) {
    return http::is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           View(".-_~").find(byte) != View::npos;
  });
}

bool take_header_value(std::string& into, View value) {
  into = value;
  return !value.empty() && std::ranges::all_of(value, [](char byte) {
    return http::is_field_visible(byte) && byte != '"' && byte != '\\';
  });
}

bool take_target(std::optional<load::Target>& into, View value, Listener listener) {
  const auto endpoint = parse_endpoint(value, listener);
  if (!endpoint) {
    return false;
  }
  load::Target target;
  target.address.port = endpoint->port;
  target.host = endpoint->host;
  target.authority = endpoint->authority;
  target.path = endpoint->path;
  target.uses_tls = endpoint->uses_tls;
  into = std::move(target);
  return true;
}

struct Row {
  View name;
  unsigned scenarios;
  View allowed;  // empty: it takes no value
  bool (*apply)(BenchOptions&, View);
};

constexpr std::array kRows = {
    Row{"--url", kAll, "ws://HOST:PORT[/PATH] or wss://...",
        [](BenchOptions& o, View v) {
          std::optional<load::Target> target;
          const bool is_good = take_target(target, v, Listener::kPublic);
          if (is_good) {
            o.run.server = std::move(*target);
            // A lone slash is a path where the URL names a whole one.
            o.run.is_root_path = o.run.server.path.empty() && v.ends_with('/');
          }
          return is_good;
        }},
    Row{"--api", kPublishing, "http://HOST:PORT or https://...",
        [](BenchOptions& o, View v) { return take_target(o.run.api, v, Listener::kInternal); }},
    Row{"--key", kPublishing, "an API key",
        [](BenchOptions& o, View v) { return take_header_value(o.run.api_key, v); }},
    Row{"--token", kAll, "a JWT",
        [](BenchOptions& o, View v) { return take_header_value(o.run.token, v); }},
    Row{"--ca", kAll, "a file of PEM certificates",
        [](BenchOptions& o, View v) {
          o.run.tls.ca_file = v;
          return !v.empty();
        }},
    Row{"--insecure", kAll, "",
        [](BenchOptions& o, View) {
          o.run.tls.verifies = false;
          return true;
        }},
    Row{"--resume", bit(Scenario::kHandshakes), "",
        [](BenchOptions& o, View) { return o.run.tls.resumes = true; }},
    Row{"--dialect", kAll & ~kEcho, "raw, wspush.v1, nchan, nats, mqtt, floor",
        [](BenchOptions& o, View v) {
          return read_choice(v,
                             {Dialect::kRaw, Dialect::kWspushV1, Dialect::kFloor, Dialect::kNchan,
                              Dialect::kNats, Dialect::kMqtt},
                             o.run.dialect);
        }},
    Row{"--publish", kPublishing, "connection, unanswered, http, http-pipelined, ndjson",
        [](BenchOptions& o, View v) {
          return read_choice(v,
                             {PublishBy::kConnection, PublishBy::kUnanswered, PublishBy::kHttp,
                              PublishBy::kHttpPipelined, PublishBy::kNdjson},
                             o.run.publish_by);
        }},
    Row{"--topic", kAll & ~kEcho, "letters, digits and . - _ ~",
        [](BenchOptions& o, View v) {
          o.run.topic = v;
          return is_plain_topic(v);
        }},
    Row{"--connections", kAll, "1 to 1000000, for publish from 0 on",
        [](BenchOptions& o, View v) {
          const std::size_t low = o.run.scenario == Scenario::kPublish ? 0 : 1;
          return read_number(v, low, kConnectionsMax, o.run.connections);
        }},
    Row{"--stalled", bit(Scenario::kStalled), "0 to 1000000",
        [](BenchOptions& o, View v) {
          return read_number(v, std::size_t{0}, kConnectionsMax, o.run.stalled);
        }},
    Row{"--publishers", bit(Scenario::kPublish), "1 to 10000",
        [](BenchOptions& o, View v) {
          return read_number(v, std::size_t{1}, kPublishersMax, o.run.publishers);
        }},
    Row{"--depth", kEcho | bit(Scenario::kPublish), "1 to 4096",
        [](BenchOptions& o, View v) {
          return read_number(v, std::size_t{1}, kInFlightMax, o.run.depth);
        }},
    Row{"--payload-bytes", kPublishing | kEcho, "16 to 1048576",
        [](BenchOptions& o, View v) {
          return read_number(v, load::kPayloadBytesMin, kPayloadBytesMax, o.run.payload_bytes);
        }},
    Row{"--payload", kPublishing | kEcho, "letter, mixed, non-ascii, random",
        [](BenchOptions& o, View v) {
          return read_choice(v,
                             {PayloadKind::kLetter, PayloadKind::kMixed, PayloadKind::kNonAscii,
                              PayloadKind::kRandom},
                             o.run.payload_kind);
        }},
    Row{"--text", kEcho, "", [](BenchOptions& o, View) { return o.run.is_text = true; }},
    Row{"--deflate", kAll, "", [](BenchOptions& o, View) { return o.run.is_deflated = true; }},
    Row{"--check", kPublishing, "", [](BenchOptions& o, View) { return o.run.is_check = true; }},
    Row{"--window", kFanOuts, "1 to 4096",
        [](BenchOptions& o, View v) {
          return read_number(v, std::size_t{1}, kInFlightMax, o.run.window);
        }},
    Row{"--rate", kFanOuts, "0.001 to 1000000",
        [](BenchOptions& o, View v) {
          return read_number(v, 0.001, kRateMax, o.run.rate_per_second);
        }},
    Row{"--spin", kFanOuts, "", [](BenchOptions& o, View) { return o.run.spins = true; }},
    Row{"--messages", kMoving, "1 to 1000000000",
        [](BenchOptions& o, View v) {
          return read_number(v, std::uint64_t{1}, kMessagesMax, o.run.messages);
        }},
    Row{"--duration", kAll, "0.01 to 86400 seconds",
        [](BenchOptions& o, View v) { return read_seconds(v, 0.01, o.run.duration); }},
    Row{"--warm-up", kAll, "0 to 86400 seconds",
        [](BenchOptions& o, View v) { return read_seconds(v, 0, o.run.warm_up); }},
    Row{"--timeout", kAll, "0.01 to 86400 seconds",
        [](BenchOptions& o, View v) { return read_seconds(v, 0.01, o.run.timeout); }},
    Row{"--server-pid", kAll, "the number of a process",
        [](BenchOptions& o, View v) {
          return read_number(v, pid_t{1}, pid_t{1} << 30, o.run.server_pid);
        }},
    Row{"--json", kAll, "", [](BenchOptions& o, View) { return o.json = true; }},
    Row{"--progress", kAll, "", [](BenchOptions& o, View) { return o.progress = true; }},
};

Unexpected<std::string> usage_error(std::string what) {
  return Unexpected(std::move(what) + " (see wspush bench --help)");
}

void take_defaults(load::Options& run) {
  switch (run.scenario) {
    case Scenario::kFanOut:
    case Scenario::kIdle:
    case Scenario::kPings:
      break;
    case Scenario::kEcho:
    case Scenario::kStalled:
      run.connections = 50;
      break;
    case Scenario::kHandshakes:
      run.connections = 32;
      break;
    case Scenario::kPublish:
      run.connections = 0;
      run.depth = 16;
      // Its publishers get answers, and not each other's messages.
      run.dialect = Dialect::kWspushV1;
      break;
  }
}

/// What single options cannot know of each other; empty: nothing is wrong.
std::string contradiction(const load::Options& run, bool has_window) {
  const unsigned scenario = bit(run.scenario);
  const bool is_ours = run.dialect == Dialect::kRaw || run.dialect == Dialect::kWspushV1;
  if (!run.tls.verifies && !run.tls.ca_file.empty()) {
    return "--ca and --insecure: one of the two";
  }
  if (has_window && run.rate_per_second > 0) {
    return "--window and --rate: one of the two";
  }
  if ((scenario & kPublishing) != 0 && run.publish_by != PublishBy::kConnection && !is_ours) {
    return std::string("--dialect ") + name_of(run.dialect) + " has no API: --publish connection";
  }
  if (run.publish_by == PublishBy::kUnanswered && run.dialect != Dialect::kWspushV1) {
    return "--publish unanswered is for --dialect wspush.v1";
  }
  if ((scenario & kFanOuts) != 0 && run.publish_by != PublishBy::kConnection &&
      run.publish_by != PublishBy::kHttp) {
    return std::string("--publish ") + name_of(run.publish_by) + " is for wspush bench publish";
  }
  if ((scenario & kEcho) == 0 && run.is_deflated &&
      (run.dialect == Dialect::kFloor || load::is_stream(run.dialect))) {
    return std::string("--dialect ") + name_of(run.dialect) + " is without compression here";
  }
  if ((scenario & kPublishing) != 0 && run.dialect == Dialect::kWspushV1 &&
      run.payload_kind == PayloadKind::kRandom) {
    return "--payload random: wspush.v1 carries JSON; take --dialect raw";
  }
  if ((scenario & kEcho) != 0 && run.is_text && run.payload_kind == PayloadKind::kRandom) {
    return "--text: --payload random is no text";
  }
  if (run.tls.resumes && !run.server.uses_tls) {
    return "--resume is for wss://";
  }
  return {};
}

}  // namespace

Result<BenchOptions, std::string> parse_bench_options(std::span<const char* const> arguments) {
  BenchOptions options;
  for (const View argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      options.wants_help = true;
      return options;
    }
  }
  const View name = arguments.empty() ? View() : View(arguments[0]);
  const auto* scenario =
      std::ranges::find_if(kScenarios, [&](Scenario each) { return name == name_of(each); });
  if (scenario == kScenarios.end()) {
    return usage_error(name.empty() || name.starts_with('-')
                           ? std::string("bench: which scenario? it comes first")
                           : "bench: unknown scenario " + std::string(name));
  }
  load::Options& run = options.run;
  run.scenario = *scenario;
  take_defaults(run);
  std::optional<load::Target> target;
  (void)take_target(target, kDefaultUrl, Listener::kPublic);
  run.server = *target;
  bool has_window = false;
  bool has_warm_up = false;
  for (std::size_t at = 1; at < arguments.size(); ++at) {
    View option = arguments[at];
    std::optional<View> value;
    if (const std::size_t equals = option.find('='); equals != View::npos) {
      value = option.substr(equals + 1);
      option = option.substr(0, equals);
    }
    const auto* row = std::ranges::find(kRows, option, &Row::name);
    if (row == kRows.end()) {
      return usage_error("bench: unknown option " + std::string(option));
    }
    if ((row->scenarios & bit(run.scenario)) == 0) {
      return usage_error(std::string(option) + " is not for wspush bench " + name_of(run.scenario));
    }
    if (row->allowed.empty() ? value.has_value() : !value && ++at == arguments.size()) {
      return usage_error(std::string(option) +
                         (row->allowed.empty() ? " takes no value" : " wants a value"));
    }
    if (!row->allowed.empty() && !value) {
      value = arguments[at];
    }
    if (!row->apply(options, value.value_or(""))) {
      return usage_error(std::string(option) + " " + std::string(value.value_or("")) +
                         ": allowed is " + std::string(row->allowed));
    }
    has_window = has_window || option == "--window";
    has_warm_up = has_warm_up || option == "--warm-up";
  }
  if (run.publish_by != PublishBy::kConnection && run.publish_by != PublishBy::kUnanswered &&
      !run.api) {
    (void)take_target(run.api, kDefaultApi, Listener::kInternal);
  }
  if (run.is_check && !has_warm_up) {
    run.warm_up = {};  // A check counts from the first message on.
  }
  if (run.is_check && run.messages == 0) {
    run.messages = 100;
  }
  if (std::string wrong = contradiction(run, has_window); !wrong.empty()) {
    return usage_error(std::move(wrong));
  }
  return options;
}

}  // namespace wspush::cli
