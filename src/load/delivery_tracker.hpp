#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "wspush/base/clock.hpp"

#include "load/statistics.hpp"

namespace wspush::load {

/// Knows which messages are still on their way to somebody, and how long each took to its last
/// subscriber.
class DeliveryTracker {
 public:
  explicit DeliveryTracker(std::size_t subscribers) : subscribers_(subscribers) {}

  /// The next message goes out, or was due, at `when`. Returns its number; the first is 1.
  std::uint64_t publish(TimePoint when);

  /// What is delivered from now on had arrived at its subscriber's socket at `when`; nullopt:
  /// unknown. Before it is read: how long the reader took is not in it.
  void arrived(std::optional<TimePoint> when) { arrived_at_ = when; }

  /// A subscriber got `sequence` for the first time. False: no such message was published.
  bool deliver(std::uint64_t sequence);

  std::uint64_t published() const { return published_; }
  std::uint64_t deliveries() const { return deliveries_; }
  std::size_t outstanding() const { return waiting_.size(); }

  /// Publish to last subscriber, of the messages that have arrived everywhere. A rate's message
  /// counts from when it was due, so that a generator held up by the server hides nothing.
  Durations& latencies() { return latencies_; }

  /// Publish to the last subscriber's socket, of the messages whose arrivals are all known.
  Durations& arrivals() { return arrivals_; }

 private:
  struct Waiting {
    TimePoint published_at;
    std::size_t subscribers_left;
    std::optional<TimePoint> arrived_at{TimePoint::min()};  ///< the latest; nullopt: one unknown
  };

  std::size_t subscribers_;
  std::uint64_t published_ = 0;
  std::uint64_t deliveries_ = 0;
  std::deque<Waiting> waiting_;  // of the messages published_ - size + 1 .. published_
  std::optional<TimePoint> arrived_at_;
  Durations latencies_;
  Durations arrivals_;
};

}  // namespace wspush::load
