#pragma once

#include <chrono>
#include <cstdint>

#include "wspush/base/clock.hpp"

namespace wspush {

/// A moment in 4 bytes, for records of which there are very many: whole milliseconds of the
/// monotonic clock, of which the low 32 bits are kept.
///
/// It is read with the time that it is now, and means the one moment with these bits that is
/// nearest to that: up to 24.8 days before or after it. Whoever keeps one sees to it that it is
/// looked at, or set anew, before that is over.
class ShortTime {
 public:
  /// Far from wrapping around: half of what 32 bits tell apart, rounded down.
  static constexpr std::chrono::hours kReach{24 * 24};

  ShortTime() = default;

  /// The millisecond that `moment` lies in: never later than it.
  static ShortTime before(TimePoint moment) {
    return ShortTime(std::chrono::floor<std::chrono::milliseconds>(moment.time_since_epoch()));
  }
  /// The first whole millisecond that is not earlier than `moment`.
  static ShortTime after(TimePoint moment) {
    return ShortTime(std::chrono::ceil<std::chrono::milliseconds>(moment.time_since_epoch()));
  }

  /// The moment, seen from `now`.
  TimePoint at(TimePoint now) const {
    const auto here = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch());
    const auto ahead = static_cast<std::int32_t>(ticks_ - ShortTime(here).ticks_);
    return TimePoint(here + std::chrono::milliseconds(ahead));
  }

 private:
  explicit ShortTime(std::chrono::milliseconds since_epoch)
      : ticks_(static_cast<std::uint32_t>(since_epoch.count())) {}

  std::uint32_t ticks_ = 0;
};
static_assert(sizeof(ShortTime) == 4);

}  // namespace wspush
