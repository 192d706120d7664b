#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "load/connection.hpp"
#include "load/options.hpp"
#include "load/progress.hpp"
#include "load/server_meter.hpp"

namespace wspush::load {

/// What a run is given. All must live longer than it.
struct RunContext {
  const Options& options;
  const ServerMeter* meter;  ///< nullptr: the server's use is not measured
  TlsClient* tls;            ///< nullptr: neither target uses TLS
  Progress& progress;
};

/// One epoll and one read buffer for all connections of a run.
class Loop {
 public:
  /// Whoever sends to a sleeper on the same machine pays for waking it, which a network would do:
  /// a loop that spins asks again and again instead of sleeping.
  explicit Loop(bool spins = false) : spins_(spins), events_(kEventsPerTurn), buffer_(kReadBytes) {}

  Poller& poller() { return poller_; }

  /// Waits once, at most `wait_ns`, and hands each event on: on_event(token, events, buffer).
  template <typename OnEvent>
  void turn(std::int64_t wait_ns, OnEvent&& on_event) {
    for (const epoll_event& event : spins_ ? spin(wait_ns) : poller_.wait(wait_ns, events_)) {
      on_event(std::uint64_t{event.data.u64}, std::uint32_t{event.events},
               std::span<char>(buffer_));
    }
  }

  /// CPU time spent asking where there was nothing yet; zero where it sleeps.
  std::chrono::nanoseconds idle_spinning() const { return idle_spinning_; }

 private:
  std::span<epoll_event> spin(std::int64_t wait_ns) {
    std::span<epoll_event> ready = poller_.wait(0, events_);
    if (!ready.empty() || wait_ns <= 0) {
      return ready;
    }
    const TimePoint end = MonotonicClock::now() + std::chrono::nanoseconds(wait_ns);
    const std::chrono::nanoseconds cpu_before = thread_cpu();
    do {
      ready = poller_.wait(0, events_);
    } while (ready.empty() && MonotonicClock::now() < end);
    idle_spinning_ += thread_cpu() - cpu_before;
    return ready;
  }

  static constexpr std::size_t kEventsPerTurn = 1024;
  static constexpr std::size_t kReadBytes = 256 * 1024;

  bool spins_;
  std::chrono::nanoseconds idle_spinning_{};
  Poller poller_;
  std::vector<epoll_event> events_;
  std::vector<char> buffer_;
};

/// How long a turn waits where nothing else says so.
inline constexpr std::int64_t kWaitNs = 20'000'000;

/// No part of a run lasts longer than it was asked to by this, whatever the server does.
inline constexpr std::chrono::nanoseconds kOvertimeMax = std::chrono::minutes(10);

/// Gives up when nothing has moved for too long, or it all takes too long.
class Patience {
 public:
  Patience(std::chrono::nanoseconds without_progress, std::chrono::nanoseconds in_all)
      : without_progress_(without_progress),
        moved_at_(MonotonicClock::now()),
        end_(moved_at_ + in_all) {}

  /// `progress` is any number that changes as long as things go on.
  bool is_over(std::uint64_t progress, TimePoint now) {
    if (progress != progress_) {
      progress_ = progress;
      moved_at_ = now;
    }
    return now - moved_at_ > without_progress_ || now > end_;
  }
  void shorten(std::chrono::nanoseconds without_progress) {
    without_progress_ = std::min(without_progress_, without_progress);
  }

 private:
  std::chrono::nanoseconds without_progress_;
  TimePoint moved_at_;
  TimePoint end_;
  std::uint64_t progress_ = 0;
};

}  // namespace wspush::load
