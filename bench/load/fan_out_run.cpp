#include "fan_out_run.hpp"

#include <algorithm>
#include <cstdio>

namespace wspush::load {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kEventsPerTurn = 1024;
constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::int64_t kWaitNs = 20'000'000;
// With so many on their way a rate waits: the server is behind, and more would only fill memory.
constexpr std::size_t kOutstandingMax = 65536;
// A duplicate comes after its first copy, so the end of a run waits a little for some.
constexpr nanoseconds kLinger = std::chrono::milliseconds(200);
// Once somebody was disconnected the rest can arrive, but the run can no longer end by itself.
constexpr nanoseconds kTimeoutAfterClose = std::chrono::seconds(1);

}  // namespace

FanOutRun::FanOutRun(const Options& options, const CpuMeter* meter)
    : options_(options),
      meter_(meter),
      tracker_(options.subscribers),
      pool_({options_, tracker_, faults_, inflater_}, poller_),
      events_(kEventsPerTurn),
      buffer_(kReadBytes) {
}

Result<Measurement, std::string> FanOutRun::execute() {
  if (auto opened = open(); !opened) {
    return Unexpected(opened.error());
  }
  Measurement result;
  if (options_.warm_up.count() > 0) {
    const auto warm = run_phase({.duration = options_.warm_up});
    if (!warm) {
      return Unexpected(warm.error());
    }
    result.is_stalled = !*warm;
  }
  tracker_.latencies().clear();
  const std::uint64_t published = tracker_.published();
  const std::uint64_t deliveries = tracker_.deliveries();
  const std::uint64_t echoes = publisher_->echoes();
  const std::uint64_t bytes = pool_.received_bytes();
  const std::uint64_t compressed = inflater_.count();
  const CpuSample before = meter_ != nullptr ? meter_->sample() : CpuSample{};
  const TimePoint start = MonotonicClock::now();

  if (!result.is_stalled) {
    const auto measured = run_phase({.duration = options_.duration, .messages = options_.messages});
    if (!measured) {
      return Unexpected(measured.error());
    }
    result.is_stalled = !*measured;
  }

  result.elapsed = MonotonicClock::now() - start;
  if (meter_ != nullptr) {
    const CpuSample after = meter_->sample();
    result.cpu = CpuSample{.server_ns = after.server_ns - before.server_ns,
                           .ksoftirqd_ns = after.ksoftirqd_ns - before.ksoftirqd_ns};
  }
  result.messages = tracker_.published() - published;
  result.deliveries = tracker_.deliveries() - deliveries;
  result.publisher_echoes = publisher_->echoes() - echoes;
  result.compressed = inflater_.count() - compressed;
  result.received_bytes = pool_.received_bytes() - bytes;
  result.latency_p50 = tracker_.latencies().quantile(0.50);
  result.latency_p99 = tracker_.latencies().quantile(0.99);
  linger(kLinger);
  faults_.missing = pool_.missing(tracker_.published());
  return result;
}

Result<void, std::string> FanOutRun::open() {
  std::uint64_t last_progress = 0;
  std::size_t last_told = 0;
  TimePoint deadline = MonotonicClock::now() + options_.timeout;
  while (!pool_.is_complete() || !publisher_ || !publisher_->is_ready()) {
    if (auto more = pool_.open_more(); !more) {
      return more;
    }
    if (pool_.is_complete() && !publisher_) {
      auto opened = Publisher::open(options_, poller_, options_.subscribers);
      if (!opened) {
        return Unexpected(opened.error());
      }
      publisher_.emplace(std::move(*opened));
    }
    turn(kWaitNs);
    if (!faults_.none()) {
      return Unexpected(faults_.first);
    }
    if (publisher_ && !publisher_->failure().empty()) {
      return Unexpected(publisher_->failure());
    }
    const TimePoint now = MonotonicClock::now();
    if (const std::uint64_t here = progress(); here != last_progress) {
      last_progress = here;
      deadline = now + options_.timeout;
    } else if (now > deadline) {
      return Unexpected(std::string("the server stopped answering handshakes"));
    }
    if (pool_.live() >= last_told + 2500) {
      last_told = pool_.live();
      std::fprintf(stderr, "fan_out: %zu subscribers\n", last_told);
    }
  }
  return {};
}

Result<bool, std::string> FanOutRun::run_phase(Limit limit) {
  const std::uint64_t first_sequence = tracker_.published() + 1;
  const TimePoint start = MonotonicClock::now();
  TimePoint last_moved = start;
  std::uint64_t last_progress = progress();
  for (;;) {
    const TimePoint now = MonotonicClock::now();
    std::int64_t wait_ns = kWaitNs;
    const bool is_over = publish_due(limit, start, first_sequence, now, wait_ns);
    if (!publisher_->failure().empty()) {
      return Unexpected(publisher_->failure());
    }
    if (is_over && tracker_.outstanding() == 0 && publisher_->is_idle()) {
      return true;
    }
    turn(wait_ns);
    if (const std::uint64_t here = progress(); here != last_progress) {
      last_progress = here;
      last_moved = now;
    } else if (now - last_moved > (faults_.closed > 0
                                       ? std::min(kTimeoutAfterClose, options_.timeout)
                                       : options_.timeout) &&
               tracker_.outstanding() > 0) {
      return false;
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
  for (const epoll_event& event : poller_.wait(wait_ns, events_)) {
    if (event.data.u64 < options_.subscribers) {
      pool_.on_event(static_cast<std::size_t>(event.data.u64), event.events, buffer_);
    } else if (publisher_) {
      publisher_->on_event(event.events, buffer_);
    }
  }
}

void FanOutRun::linger(nanoseconds period) {
  const TimePoint end = MonotonicClock::now() + period;
  for (TimePoint now = MonotonicClock::now(); now < end; now = MonotonicClock::now()) {
    turn(std::min<std::int64_t>((end - now).count(), kWaitNs));
  }
}

std::uint64_t FanOutRun::progress() const {
  return tracker_.deliveries() + pool_.live() + (publisher_ ? publisher_->is_ready() : 0) +
         (publisher_ ? publisher_->echoes() : 0) + tracker_.published() -
         (publisher_ ? publisher_->owed() : 0);
}

}  // namespace wspush::load
