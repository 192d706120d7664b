#pragma once

#include <chrono>
#include <optional>

#include "wspush/base/random.hpp"

namespace wspush::cli {

inline constexpr std::chrono::milliseconds kFirstDelay{100};
inline constexpr std::chrono::milliseconds kLongestDelay{5000};
/// What a server may ask for by Retry-After; above it we come back all the same.
inline constexpr std::chrono::seconds kRetryAfterMax{300};
/// A connection that lasted so long was a good one: the next delay is the first one again.
inline constexpr std::chrono::seconds kStableAfter{5};

/// How long to wait before the next attempt: doubling from 100 ms to 5 s, each a random time
/// between half of that and all of it, so that clients that were cut off together do not come back
/// together. Pure but for `random`, which must outlive it.
class ReconnectPolicy {
 public:
  explicit ReconnectPolicy(Random& random) : random_(random) {}

  /// At least `retry_after`, where the server asked for it.
  std::chrono::milliseconds next_delay(
      std::optional<std::chrono::seconds> retry_after = std::nullopt);

  /// The connection was up for `lasted` before it was lost.
  void on_lost(std::chrono::steady_clock::duration lasted);

 private:
  Random& random_;
  std::chrono::milliseconds delay_ = kFirstDelay;
};

}  // namespace wspush::cli
