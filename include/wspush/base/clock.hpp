#pragma once

#include <chrono>
#include <cstdint>

namespace wspush {

using MonotonicClock = std::chrono::steady_clock;
using TimePoint = MonotonicClock::time_point;
using Duration = MonotonicClock::duration;
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// Where time comes from. The loop reads it once a turn and hands the value down; nothing below
/// the loop asks the system. `monotonic` runs every timer; `wall` only stamps messages and `Date`.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint monotonic() const = 0;
  virtual WallTime wall() const = 0;
};

/// CLOCK_MONOTONIC and CLOCK_REALTIME. Thread: any.
class SystemClock final : public Clock {
 public:
  TimePoint monotonic() const override { return MonotonicClock::now(); }
  WallTime wall() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }
};

}  // namespace wspush
