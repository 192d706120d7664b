#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <type_traits>

#include "wspush/base/clock.hpp"

namespace wspush {

/// How fast tokens come, and how many may lie in a bucket.
struct RateLimit {
  std::uint32_t per_second = 0;  ///< 0: no limit, as in the config file
  std::uint32_t burst = 1;
};

/// A token bucket of 8 bytes: instead of a count and a time it keeps the one moment at which the
/// bucket is (or was) empty. Starts full. The limit comes with each call, so that a reload applies
/// at once and a connection pays for nothing but its moment.
///
/// Pure: `now` is the loop's. Thread: the owner's. Cost: one 64-bit division.
class TokenBucket {
 public:
  /// Takes `cost` tokens if they are there; else takes none and returns false. A `cost` above the
  /// burst is never granted.
  bool take(TimePoint now, RateLimit limit, std::uint32_t cost = 1) {
    if (limit.per_second == 0) {
      return true;
    }
    const std::int64_t empty_at = clamped(now, limit) + span(cost, limit);
    if (empty_at > now.time_since_epoch().count()) {
      return false;
    }
    empty_at_ = empty_at;
    return true;
  }

  /// How long until `take` of the same would succeed; 0 when it would now. For `Retry-After`.
  Duration wait(TimePoint now, RateLimit limit, std::uint32_t cost = 1) const {
    if (limit.per_second == 0) {
      return Duration::zero();
    }
    const std::int64_t empty_at = clamped(now, limit) + span(cost, limit);
    return Duration(std::max<std::int64_t>(0, empty_at - now.time_since_epoch().count()));
  }

 private:
  static_assert(std::is_same_v<Duration, std::chrono::nanoseconds>);

  /// The time in which `tokens` come, nanoseconds; below 2^62, as both factors fit 32 bits.
  static std::int64_t span(std::uint32_t tokens, RateLimit limit) {
    return std::int64_t{tokens} * 1'000'000'000 / limit.per_second;
  }

  /// `empty_at_`, moved up so that no more than a burst has collected since.
  std::int64_t clamped(TimePoint now, RateLimit limit) const {
    return std::max(empty_at_, now.time_since_epoch().count() - span(limit.burst, limit));
  }

  std::int64_t empty_at_ = INT64_MIN;
};

}  // namespace wspush
