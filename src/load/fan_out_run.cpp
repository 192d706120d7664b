#include "load/fan_out_run.hpp"

#include <algorithm>
#include <cstdio>

namespace wspush::load {
namespace {

using std::chrono::nanoseconds;

// With so many on their way a rate waits: the server is behind, and more would only fill memory.
constexpr std::size_t kOutstandingMax = 65536;
// A duplicate comes after its first copy, so the end of a run waits a little for some.
constexpr nanoseconds kLinger = std::chrono::milliseconds(200);
// Once somebody was disconnected the rest can arrive, but the run can no longer end by itself.
constexpr nanoseconds kTimeoutAfterClose = std::chrono::seconds(1);
// A number of messages may be many.
constexpr nanoseconds kCountedPhaseMax = std::chrono::hours(24);

std::size_t stalled_count(const Options& options) {
  return options.scenario == Scenario::kStalled ? options.stalled : 0;
}

}  // namespace

FanOutRun::FanOutRun(const RunContext& context)
    : context_(context),
      options_(context.options),
      loop_(options_.spins),
      tracker_(options_.connections),
      pool_({options_, tracker_, faults_, inflater_}, loop_.poller(), context.tls,
            {.count = options_.connections}),
      stalled_(
          {options_, tracker_, stalled_faults_, inflater_}, loop_.poller(), context.tls,
          {.count = stalled_count(options_), .first_token = options_.connections, .stalls = true}) {
}

Result<Measurement, std::string> FanOutRun::execute() {
  if (auto opened = open(); !opened) {
    return Unexpected(opened.error());
  }
  Measurement result;
  const auto private_before =
      context_.meter != nullptr ? context_.meter->private_bytes() : std::nullopt;
  if (options_.warm_up.count() > 0) {
    const auto warm = run_phase({.duration = options_.warm_up});
    if (!warm) {
      return Unexpected(warm.error());
    }
    result.is_stuck = !*warm;
  }
  tracker_.latencies().clear();
  tracker_.arrivals().clear();
  const std::uint64_t published = tracker_.published();
  const std::uint64_t deliveries = tracker_.deliveries();
  const std::uint64_t echoes = publisher_->protocol().echoes();
  const std::uint64_t bytes = pool_.received_bytes();
  const std::uint64_t compressed = inflater_.count();
  const UsageMeter usage(context_.meter);
  const nanoseconds idle_before = loop_.idle_spinning();

  if (!result.is_stuck) {
    const auto measured = run_phase({.duration = options_.duration, .messages = options_.messages});
    if (!measured) {
      return Unexpected(measured.error());
    }
    result.is_stuck = !*measured;
  }

  result.usage = usage.so_far();
  result.usage.generator_cpu -= loop_.idle_spinning() - idle_before;
  const auto private_after =
      context_.meter != nullptr ? context_.meter->private_bytes() : std::nullopt;
  if (private_before && private_after) {
    result.memory_growth_bytes =
        static_cast<std::int64_t>(*private_after) - static_cast<std::int64_t>(*private_before);
  }
  result.messages = tracker_.published() - published;
  result.deliveries = tracker_.deliveries() - deliveries;
  result.publisher_echoes = publisher_->protocol().echoes() - echoes;
  result.compressed = inflater_.count() - compressed;
  result.received_bytes = pool_.received_bytes() - bytes;
  result.latency_p50 = tracker_.latencies().quantile(0.50);
  result.latency_p99 = tracker_.latencies().quantile(0.99);
  if (tracker_.arrivals().count() > 0) {
    result.arrival_p50 = tracker_.arrivals().quantile(0.50);
  }
  linger(kLinger);
  faults_.missing = pool_.missing(tracker_.published());
  return result;
}

bool FanOutRun::is_open() const {
  return stalled_.is_complete() && pool_.is_complete() && publisher_ && publisher_->is_ready();
}

Result<void, std::string> FanOutRun::open_more() {
  if (auto more = stalled_.open_more(stalled_count(options_)); !more || !stalled_.is_complete()) {
    return more;
  }
  if (auto more = pool_.open_more(options_.connections); !more || !pool_.is_complete()) {
    return more;
  }
  if (!publisher_) {
    auto opened = Publisher::open(options_, loop_.poller(), context_.tls,
                                  options_.connections + stalled_count(options_), 0);
    if (!opened) {
      return Unexpected(opened.error());
    }
    publisher_.emplace(std::move(*opened));
  }
  return {};
}

Result<void, std::string> FanOutRun::open() {
  Patience patience(options_.timeout, kOvertimeMax);
  while (!is_open()) {
    if (auto more = open_more(); !more) {
      return more;
    }
    turn(kWaitNs);
    for (const Faults* faults : {&faults_, &stalled_faults_}) {
      if (!faults->none()) {
        return Unexpected(faults->first);
      }
    }
    if (std::string failure = publisher_failure(); !failure.empty()) {
      return Unexpected(std::move(failure));
    }
    const TimePoint now = MonotonicClock::now();
    if (patience.is_over(progress(), now)) {
      return Unexpected(std::string("the server stopped answering handshakes"));
    }
    if (context_.progress.is_due(now)) {
      context_.progress.say(std::to_string(pool_.live() + stalled_.live()) + " of " +
                            std::to_string(options_.connections + stalled_count(options_)) +
                            " connected");
    }
  }
  return {};
}

Result<bool, std::string> FanOutRun::run_phase(Limit limit) {
  const std::uint64_t first_sequence = tracker_.published() + 1;
  const std::uint64_t first_delivery = tracker_.deliveries();
  const TimePoint start = MonotonicClock::now();
  Patience patience(options_.timeout,
                    limit.messages > 0 ? kCountedPhaseMax : limit.duration + kOvertimeMax);
  for (;;) {
    const TimePoint now = MonotonicClock::now();
    std::int64_t wait_ns = kWaitNs;
    const bool is_over = publish_due(limit, start, first_sequence, now, wait_ns);
    if (std::string failure = publisher_failure(); !failure.empty()) {
      return Unexpected(std::move(failure));
    }
    if (is_over && tracker_.outstanding() == 0 && publisher_->is_idle()) {
      return true;
    }
    turn(wait_ns);
    if (faults_.closed > 0) {
      patience.shorten(kTimeoutAfterClose);
    }
    if (patience.is_over(progress(), now) &&
        (tracker_.outstanding() > 0 || !publisher_->is_idle())) {
      return false;
    }
    if (context_.progress.is_due(now)) {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - start).count();
      context_.progress.say(std::to_string(seconds) + " s: " +
                            std::to_string(static_cast<std::uint64_t>(
                                per_second(tracker_.deliveries() - first_delivery, now - start))) +
                            " deliveries/s");
    }
  }
}

bool FanOutRun::publish_due(Limit limit, TimePoint start, std::uint64_t first_sequence,
                            TimePoint now, std::int64_t& wait_ns) {
  const std::uint64_t so_far = tracker_.published() + 1 - first_sequence;
  const bool is_over =
      limit.messages > 0 ? so_far >= limit.messages : now - start >= limit.duration;
  if (is_over || faults_.closed > 0) {
    return true;
  }
  const std::uint64_t left = limit.messages > 0 ? limit.messages - so_far : UINT64_MAX;
  if (options_.rate_per_second <= 0) {
    if (tracker_.outstanding() == 0 && publisher_->is_idle()) {
      publish(static_cast<std::size_t>(std::min<std::uint64_t>(options_.window, left)),
              MonotonicClock::now(), {});
    }
    return false;
  }
  const double spacing_ns = 1e9 / options_.rate_per_second;
  const auto due_at = [&](std::uint64_t index) {
    return start + nanoseconds(static_cast<std::int64_t>(static_cast<double>(index) * spacing_ns));
  };
  const double elapsed_ns = static_cast<double>((now - start).count());
  const std::uint64_t due = static_cast<std::uint64_t>(elapsed_ns / spacing_ns) + 1;
  if (due > so_far && tracker_.outstanding() < kOutstandingMax) {
    const std::uint64_t count =
        std::min({due - so_far, left, std::uint64_t{kOutstandingMax - tracker_.outstanding()}});
    publish(static_cast<std::size_t>(count), due_at(so_far),
            nanoseconds(static_cast<std::int64_t>(spacing_ns)));
  }
  const auto until_next = due_at(tracker_.published() + 1 - first_sequence) - now;
  wait_ns = std::clamp<std::int64_t>(until_next.count(), 0, kWaitNs);
  return false;
}

void FanOutRun::publish(std::size_t count, TimePoint when, nanoseconds spacing) {
  const std::uint64_t first = tracker_.published() + 1;
  for (std::size_t i = 0; i < count; ++i) {
    (void)tracker_.publish(when + spacing * static_cast<std::int64_t>(i));
  }
  publisher_->publish(first, count);
}

void FanOutRun::turn(std::int64_t wait_ns) {
  loop_.turn(wait_ns, [this](std::uint64_t token, std::uint32_t events, std::span<char> buffer) {
    if (pool_.owns(token)) {
      pool_.on_event(token, events, buffer);
    } else if (stalled_.owns(token)) {
      stalled_.on_event(token, events, buffer);
    } else if (publisher_) {
      publisher_->on_event(events, buffer);
    }
  });
}

void FanOutRun::linger(nanoseconds period) {
  const TimePoint end = MonotonicClock::now() + period;
  for (TimePoint now = MonotonicClock::now(); now < end; now = MonotonicClock::now()) {
    turn(std::min<std::int64_t>((end - now).count(), kWaitNs));
  }
}

std::string FanOutRun::publisher_failure() const {
  if (!publisher_) {
    return {};
  }
  if (publisher_->protocol().errors() > 0) {
    return "publisher: " + publisher_->protocol().first_error();
  }
  return publisher_->failure();
}

std::uint64_t FanOutRun::progress() const {
  std::uint64_t sum = tracker_.deliveries() + pool_.live() + stalled_.live();
  if (publisher_) {
    const PublisherProtocol& protocol = publisher_->protocol();
    sum += (publisher_->is_ready() ? 1 : 0) + protocol.echoes() + tracker_.published() -
           protocol.owed();
  }
  return sum;
}

bool is_exact(const Measurement& measured, const Faults& faults) {
  return !measured.is_stuck && faults.none();
}

Report fan_out_report(const Options& options, const Measurement& measured, const Faults& faults) {
  const bool has_stalled = options.scenario == Scenario::kStalled;
  char pace[48];
  if (options.rate_per_second > 0) {
    std::snprintf(pace, sizeof pace, "%.1f messages/s", options.rate_per_second);
  } else {
    std::snprintf(pace, sizeof pace, "window %zu", options.window);
  }
  Report report(
      std::string(name_of(options.scenario)) + ": " + std::to_string(options.connections) +
      " subscribers" +
      (has_stalled ? " beside " + std::to_string(options.stalled) + " stalled ones" : "") + " x " +
      std::to_string(options.payload_bytes) + " B, " + pace + ", " + name_of(options.dialect) +
      ", published by " + name_of(options.publish_by));
  report.text("scenario", name_of(options.scenario)).text("dialect", name_of(options.dialect));
  report.text("publish", name_of(options.publish_by));
  report.count("subscribers", options.connections)
      .count("stalled_subscribers", stalled_count(options));
  report.count("payload_bytes", options.payload_bytes);
  report.text("payload", name_of(options.payload_kind)).boolean("deflate", options.is_deflated);
  report.boolean("tls", options.server.uses_tls);
  report.count("window", options.rate_per_second > 0 ? 0 : options.window);
  report.number("rate_per_second", options.rate_per_second, 3);
  report.count("messages", measured.messages, "messages");
  report.count("deliveries", measured.deliveries, "deliveries");
  report.count("publisher_echoes", measured.publisher_echoes);
  report.count("compressed", measured.compressed);
  if (options.is_deflated) {
    report.row("  of them compressed", std::to_string(measured.compressed));
  }
  const nanoseconds elapsed = measured.usage.elapsed;
  report.number("seconds", static_cast<double>(elapsed.count()) / 1e9, 6, "time", "s");
  report.number("deliveries_per_second", per_second(measured.deliveries, elapsed), 0, "rate",
                "deliveries/s");
  if (has_stalled) {
    report.number("healthy_deliveries_per_second", per_second(measured.deliveries, elapsed), 0);
  }
  add_usage(report, measured.usage, "delivery", measured.deliveries + measured.publisher_echoes);
  report.microseconds("latency_p50_us", measured.latency_p50, "to the last subscriber, p50");
  report.microseconds("latency_p99_us", measured.latency_p99, "to the last subscriber, p99");
  if (measured.arrival_p50) {
    report.microseconds("arrival_p50_us", *measured.arrival_p50, "  until its socket has it, p50");
  }
  if (measured.memory_growth_bytes) {
    report.number("memory_growth_bytes", static_cast<double>(*measured.memory_growth_bytes), 0,
                  "server memory grew by", "B");
  }
  report.number("bytes_per_delivery",
                measured.deliveries > 0 ? static_cast<double>(measured.received_bytes) /
                                              static_cast<double>(measured.deliveries)
                                        : 0,
                2, "bytes", "per delivery");
  add_faults(report, faults, options.dialect);
  report.boolean("stalled", measured.is_stuck);
  report.boolean("exactly_once", is_exact(measured, faults));
  return report;
}

Result<Outcome, std::string> run_fan_out(const RunContext& context) {
  FanOutRun run(context);
  const auto measured = run.execute();
  if (!measured) {
    return Unexpected(measured.error());
  }
  Outcome outcome{.report = fan_out_report(context.options, *measured, run.faults())};
  outcome.is_good = is_exact(*measured, run.faults());
  if (!outcome.is_good && run.deliveries() == 0 && run.faults().first.empty()) {
    outcome.fault = std::string("no message came to anybody: does the server speak --dialect ") +
                    name_of(context.options.dialect) + ", and may we publish?";
  } else if (!outcome.is_good) {
    outcome.fault = "not every message came once and in order: " +
                    (run.faults().first.empty() ? "gave up waiting" : run.faults().first);
  }
  return outcome;
}

}  // namespace wspush::load
