#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace wspush::load {

/// Keeps every duration it is given, up to a bound, and tells quantiles of them.
class Durations {
 public:
  void add(std::chrono::nanoseconds value);
  void clear() { values_.clear(); }
  std::size_t count() const { return values_.size(); }

  /// The smallest value that at least `share` (0 < share <= 1) of all are not above: nearest rank.
  /// 0 when there is none. Cost: O(count), and it reorders the values.
  std::chrono::nanoseconds quantile(double share);

 private:
  std::vector<std::chrono::nanoseconds> values_;
};

/// 64 MiB of values; a run that makes more keeps its first ones.
inline constexpr std::size_t kDurationsMax = std::size_t{8} << 20;

}  // namespace wspush::load
