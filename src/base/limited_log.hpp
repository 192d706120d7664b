#pragma once

#include <chrono>
#include <cstdint>

#include "wspush/base/clock.hpp"

namespace wspush::log {

/// Keeps a message that an attacker could repeat to one line in `period`: the first is told at
/// once, those that follow are counted and told by the next line. It decides, it does not write:
///
///     if (const auto hits = frames_log_.hit(now)) {
///       log::warning("frames_per_message was hit {} times in {} s", hits, 10);
///     }
///
/// Pure: `now` is the loop's. Thread: the owner's; each reactor has its own.
class LimitedLog {
 public:
  explicit LimitedLog(Duration period = std::chrono::seconds(10)) : period_(period) {}

  /// Counts `count` more. Returns what the line should tell (this one and those that were kept
  /// back), or 0: say nothing now.
  std::uint64_t hit(TimePoint now, std::uint64_t count = 1) {
    kept_back_ += count;
    return take_due(now);
  }

  /// What was kept back and may be told now, else 0: for a timer, so that the end of a burst is
  /// told too when nothing follows it.
  std::uint64_t take_due(TimePoint now) {
    if (kept_back_ == 0 || (has_told_ && now - told_at_ < period_)) {
      return 0;
    }
    has_told_ = true;
    told_at_ = now;
    const std::uint64_t hits = kept_back_;
    kept_back_ = 0;
    return hits;
  }

 private:
  Duration period_;
  TimePoint told_at_{};
  bool has_told_ = false;
  std::uint64_t kept_back_ = 0;
};

}  // namespace wspush::log
