#include "metrics/reactor_metrics.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace wspush::metrics {
namespace {

/// The place of `value` in a short list, or the one behind it: `other`.
template <std::size_t N>
std::size_t place_in(const int (&list)[N], int value) {
  return static_cast<std::size_t>(std::find(std::begin(list), std::end(list), value) -
                                  std::begin(list));
}

}  // namespace

void ReactorMetrics::handshake_refused(int status) {
  bump(first_cell(Metric::kHandshakesRefused) + place_in(kRefusalStatuses, status), 1);
}

void ReactorMetrics::closed(int code) {
  bump(first_cell(Metric::kCloses) + place_in(kCloseCodes, code), 1);
}

void ReactorMetrics::observe_turn(Duration elapsed) {
  constexpr auto& kBounds = kTurnBucketsMicroseconds;
  const auto nanoseconds = std::max<std::int64_t>(0, std::chrono::nanoseconds(elapsed).count());
  // From the front, as nearly all turns are short. A bound belongs to its bucket (`le`).
  std::size_t bucket = 0;
  while (bucket < kBounds.size() && nanoseconds > std::int64_t{kBounds[bucket]} * 1000) {
    ++bucket;
  }
  bump(first_cell(Metric::kLoopTurnSeconds) + bucket, 1);
  bump(first_cell(Metric::kLoopTurnSeconds) + kBounds.size() + 1,
       static_cast<std::uint64_t>(nanoseconds));
}

void ReactorMetrics::add_to(Snapshot& snapshot) const {
  for (std::size_t cell = 0; cell < kCellCount; ++cell) {
    snapshot.cells[cell] += cells_[cell].load(std::memory_order_relaxed);
  }
}

}  // namespace wspush::metrics
