#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "connection.hpp"
#include "cpu_meter.hpp"
#include "delivery_tracker.hpp"
#include "faults.hpp"
#include "options.hpp"
#include "publisher.hpp"
#include "subscriber_pool.hpp"

namespace wspush::load {

/// What the measured part of a run gave.
struct Measurement {
  std::uint64_t messages = 0;
  std::uint64_t deliveries = 0;  ///< to the subscribers
  std::uint64_t publisher_echoes =
      0;                             ///< deliveries to the publisher, which the server paid for too
  std::uint64_t compressed = 0;      ///< deliveries that came compressed
  std::uint64_t received_bytes = 0;  ///< by the subscribers, frame headers and envelopes included
  std::chrono::nanoseconds elapsed{};
  std::chrono::nanoseconds latency_p50{};  ///< publish to last subscriber
  std::chrono::nanoseconds latency_p99{};
  std::optional<CpuSample> cpu;  ///< used meanwhile; nullopt without --server-pid
  bool is_stalled = false;       ///< given up after --timeout
};

/// One run: open everything, warm up, measure, count. Thread: one; everything waits in one epoll.
class FanOutRun {
 public:
  /// `meter` may be null. Both must live longer than the run.
  FanOutRun(const Options& options, const CpuMeter* meter);

  /// Errors: the server could not be reached or refused; what then went wrong with deliveries is in
  /// `faults()` and is no error here.
  Result<Measurement, std::string> execute();

  const Faults& faults() const { return faults_; }

 private:
  struct Limit {
    std::chrono::nanoseconds duration{};
    std::uint64_t messages = 0;  // above 0: counts instead of `duration`
  };

  Result<void, std::string> open();
  /// Publishes until the limit, then waits until all has arrived: it starts and ends with nothing
  /// on its way, so that CPU and deliveries between two phases belong together. False: stalled.
  Result<bool, std::string> run_phase(Limit limit);
  bool publish_due(Limit limit, TimePoint start, std::uint64_t first_sequence, TimePoint now,
                   std::int64_t& wait_ns);
  void publish(std::size_t count, TimePoint when, std::chrono::nanoseconds spacing);
  void turn(std::int64_t wait_ns);
  void linger(std::chrono::nanoseconds period);
  std::uint64_t progress() const;

  const Options& options_;
  const CpuMeter* meter_;
  Poller poller_;
  Faults faults_;
  DeliveryTracker tracker_;
  FrameInflater inflater_;
  SubscriberPool pool_;
  std::optional<Publisher> publisher_;
  std::vector<epoll_event> events_;
  std::vector<char> buffer_;
};

}  // namespace wspush::load
