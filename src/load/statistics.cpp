#include "load/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace wspush::load {

void Durations::add(std::chrono::nanoseconds value) {
  if (values_.size() < kDurationsMax) {
    values_.push_back(value);
  }
}

std::chrono::nanoseconds Durations::quantile(double share) {
  if (values_.empty()) {
    return {};
  }
  const double rank = std::ceil(share * static_cast<double>(values_.size()));
  const std::size_t index =
      std::clamp(static_cast<std::size_t>(rank), std::size_t{1}, values_.size()) - 1;
  const auto place = values_.begin() + static_cast<std::ptrdiff_t>(index);
  std::nth_element(values_.begin(), place, values_.end());
  return *place;
}

}  // namespace wspush::load
