#include "load/delivery_tracker.hpp"

#include <algorithm>

namespace wspush::load {

std::uint64_t DeliveryTracker::publish(TimePoint when) {
  waiting_.push_back({.published_at = when, .subscribers_left = subscribers_});
  return ++published_;
}

bool DeliveryTracker::deliver(std::uint64_t sequence) {
  const std::uint64_t done = published_ - waiting_.size();
  if (sequence <= done || sequence > published_) {
    return false;
  }
  ++deliveries_;
  Waiting& message = waiting_[static_cast<std::size_t>(sequence - done - 1)];
  if (message.arrived_at) {
    message.arrived_at =
        arrived_at_ ? std::optional(std::max(*message.arrived_at, *arrived_at_)) : std::nullopt;
  }
  if (--message.subscribers_left > 0) {
    return true;
  }
  latencies_.add(MonotonicClock::now() - message.published_at);
  if (message.arrived_at) {
    arrivals_.add(*message.arrived_at - message.published_at);
  }
  while (!waiting_.empty() && waiting_.front().subscribers_left == 0) {
    waiting_.pop_front();
  }
  return true;
}

}  // namespace wspush::load
