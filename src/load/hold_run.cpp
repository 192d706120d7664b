#include "load/hold_run.hpp"

#include <algorithm>
#include <utility>

#include "load/subscriber_pool.hpp"

namespace wspush::load {
namespace {

using std::chrono::nanoseconds;

class HoldRun {
 public:
  explicit HoldRun(const RunContext& context)
      : context_(context),
        options_(context.options),
        tracker_(options_.connections),
        pool_({.options = options_,
               .tracker = tracker_,
               .faults = faults_,
               .inflater = inflater_,
               .pings = &pings_},
              loop_.poller(), context.tls, {.count = options_.connections}) {}

  Result<Outcome, std::string> execute();

 private:
  Result<void, std::string> open(std::size_t up_to);
  void wait(nanoseconds duration, std::string_view what);
  void turn(std::int64_t wait_ns);
  std::optional<std::uint64_t> private_bytes() const {
    return context_.meter != nullptr ? context_.meter->private_bytes() : std::nullopt;
  }

  RunContext context_;
  const Options& options_;
  Loop loop_;
  Faults faults_;
  DeliveryTracker tracker_;
  FrameInflater inflater_;
  std::uint64_t pings_ = 0;
  SubscriberPool pool_;
};

Result<Outcome, std::string> HoldRun::execute() {
  const bool is_pings = options_.scenario == Scenario::kPings;
  const auto private_before = private_bytes();
  // The first ones also bring what a server makes once: tables, arenas. Told apart from the rest.
  const std::size_t first = std::max<std::size_t>(1, options_.connections / 10);
  if (auto opened = open(first); !opened) {
    return Unexpected(opened.error());
  }
  const auto private_first = private_bytes();
  const UsageMeter opening(context_.meter);
  if (auto opened = open(options_.connections); !opened) {
    return Unexpected(opened.error());
  }
  const Usage opened = opening.so_far();
  wait(options_.warm_up, "settling");
  const auto private_open = private_bytes();
  const std::uint64_t pings_before = pings_;
  const UsageMeter meter(context_.meter);
  wait(options_.duration, "holding");
  const Usage usage = meter.so_far();
  const auto private_end = private_bytes();
  const std::uint64_t pings = pings_ - pings_before;

  Report report(std::string(name_of(options_.scenario)) + ": " +
                std::to_string(options_.connections) + " connections, " +
                name_of(options_.dialect) + (options_.server.uses_tls ? ", TLS" : ""));
  report.text("scenario", name_of(options_.scenario)).text("dialect", name_of(options_.dialect));
  report.count("connections", options_.connections, "connections");
  report.boolean("deflate", options_.is_deflated).boolean("tls", options_.server.uses_tls);
  report.number("opened_per_second", per_second(options_.connections - first, opened.elapsed), 0,
                "opened", "a second");
  report.number("seconds", static_cast<double>(usage.elapsed.count()) / 1e9, 6, "held for", "s");
  const double count = static_cast<double>(options_.connections);
  if (private_before && private_open) {
    const double growth = static_cast<double>(*private_open) - static_cast<double>(*private_before);
    report.number("bytes_per_connection", growth / count, 1, "server memory", "B/connection");
    report.number("memory_growth_bytes", growth, 0, "  in all", "B");
  }
  if (private_first && private_open && options_.connections > first) {
    report.number("bytes_per_connection_after_first_tenth",
                  (static_cast<double>(*private_open) - static_cast<double>(*private_first)) /
                      static_cast<double>(options_.connections - first),
                  1, "  without the first tenth", "B/connection");
  }
  if (private_open && private_end) {
    report.number("memory_growth_while_held_bytes",
                  static_cast<double>(*private_end) - static_cast<double>(*private_open), 0,
                  "  growth while held", "B");
  }
  report.count("pings", pings, "pings answered");
  report.number("pings_per_second", per_second(pings, usage.elapsed), 1, "ping rate", "a second");
  if (is_pings) {
    add_usage(report, usage, "ping", pings);
  } else {
    if (usage.server) {
      report.number("cpu_ms_per_second",
                    static_cast<double>(usage.server->total_ns()) /
                        static_cast<double>(usage.elapsed.count()) * 1e3,
                    3, "server CPU while held", "ms/s");
    }
    report.number("generator_share", usage.generator_share(), 3, "generator busy", "of the time");
  }
  report.count("closed", faults_.closed, "closed by the server");

  Outcome outcome{.report = std::move(report), .is_good = faults_.none()};
  if (!outcome.is_good) {
    outcome.fault = faults_.first;
  } else if (is_pings && pings == 0) {
    outcome.is_good = false;
    outcome.fault = "no ping came; is --duration shorter than the server's ping interval?";
  }
  return outcome;
}

Result<void, std::string> HoldRun::open(std::size_t up_to) {
  Patience patience(options_.timeout, kOvertimeMax);
  while (pool_.live() < up_to) {
    if (auto more = pool_.open_more(up_to); !more) {
      return more;
    }
    turn(kWaitNs);
    if (!faults_.none()) {
      return Unexpected(faults_.first);
    }
    const TimePoint now = MonotonicClock::now();
    if (patience.is_over(pool_.live(), now)) {
      return Unexpected(std::string("the server stopped answering handshakes"));
    }
    if (context_.progress.is_due(now)) {
      context_.progress.say(std::to_string(pool_.live()) + " of " +
                            std::to_string(options_.connections) + " connected");
    }
  }
  return {};
}

void HoldRun::wait(nanoseconds duration, std::string_view what) {
  const TimePoint end = MonotonicClock::now() + duration;
  for (TimePoint now = MonotonicClock::now(); now < end; now = MonotonicClock::now()) {
    turn(std::min<std::int64_t>((end - now).count(), 5 * kWaitNs));
    if (context_.progress.is_due(now)) {
      context_.progress.say(std::string(what) + ", " + std::to_string(pings_) + " pings");
    }
  }
}

void HoldRun::turn(std::int64_t wait_ns) {
  loop_.turn(wait_ns, [this](std::uint64_t token, std::uint32_t events, std::span<char> buffer) {
    pool_.on_event(token, events, buffer);
  });
}

}  // namespace

Result<Outcome, std::string> run_hold(const RunContext& context) {
  return HoldRun(context).execute();
}

}  // namespace wspush::load
