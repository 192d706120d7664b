#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "load/delivery_tracker.hpp"
#include "load/faults.hpp"
#include "load/loop.hpp"
#include "load/publisher.hpp"
#include "load/report.hpp"
#include "load/subscriber_pool.hpp"

namespace wspush::load {

/// What the measured part of a run gave.
struct Measurement {
  std::uint64_t messages = 0;
  std::uint64_t deliveries = 0;  ///< to the subscribers, without the stalled ones
  /// Deliveries to the publisher, which the server paid for too.
  std::uint64_t publisher_echoes = 0;
  std::uint64_t compressed = 0;            ///< deliveries that came compressed
  std::uint64_t received_bytes = 0;        ///< by the subscribers, headers and envelopes included
  std::chrono::nanoseconds latency_p50{};  ///< publish to last subscriber
  std::chrono::nanoseconds latency_p99{};
  /// Publish until the last subscriber's socket has it; only where arrivals are noted.
  std::optional<std::chrono::nanoseconds> arrival_p50;
  Usage usage;
  /// The server's private memory, from before the first message to the end.
  std::optional<std::int64_t> memory_growth_bytes;
  bool is_stuck = false;  ///< given up after --timeout
};

/// A fan-out, beside stalled subscribers in the scenario of that name: open everything, warm up,
/// measure, count. Thread: one; everything waits in one epoll.
class FanOutRun {
 public:
  explicit FanOutRun(const RunContext& context);

  /// Errors: the server could not be reached or refused; what then went wrong with deliveries is in
  /// `faults()` and is no error here.
  Result<Measurement, std::string> execute();

  const Faults& faults() const { return faults_; }
  /// Of the whole run, warm-up included.
  std::uint64_t deliveries() const { return tracker_.deliveries(); }

 private:
  struct Limit {
    std::chrono::nanoseconds duration{};
    std::uint64_t messages = 0;  // above 0: counts instead of `duration`
  };

  Result<void, std::string> open();
  /// What is still to be opened, as far as it can be now.
  Result<void, std::string> open_more();
  bool is_open() const;
  /// Publishes until the limit, then waits until all has arrived: it starts and ends with nothing
  /// on its way, so that CPU and deliveries between two phases belong together. False: stuck.
  Result<bool, std::string> run_phase(Limit limit);
  bool publish_due(Limit limit, TimePoint start, std::uint64_t first_sequence, TimePoint now,
                   std::int64_t& wait_ns);
  void publish(std::size_t count, TimePoint when, std::chrono::nanoseconds spacing);
  void turn(std::int64_t wait_ns);
  void linger(std::chrono::nanoseconds period);
  std::string publisher_failure() const;
  std::uint64_t progress() const;

  RunContext context_;
  const Options& options_;
  Loop loop_;
  Faults faults_;
  Faults stalled_faults_;  // that one of them is closed is the server's good right
  DeliveryTracker tracker_;
  FrameInflater inflater_;
  SubscriberPool pool_;
  SubscriberPool stalled_;
  std::optional<Publisher> publisher_;
};

/// True if the run is good: nothing missing, nothing wrong, not given up.
bool is_exact(const Measurement& measured, const Faults& faults);

Report fan_out_report(const Options& options, const Measurement& measured, const Faults& faults);

/// All of the scenarios fan-out and stalled.
Result<Outcome, std::string> run_fan_out(const RunContext& context);

}  // namespace wspush::load
