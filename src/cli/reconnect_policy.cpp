#include "cli/reconnect_policy.hpp"

#include <algorithm>

namespace wspush::cli {

std::chrono::milliseconds ReconnectPolicy::next_delay(
    std::optional<std::chrono::seconds> retry_after) {
  using std::chrono::milliseconds;
  const auto half = static_cast<std::uint64_t>(delay_.count()) / 2;
  const milliseconds drawn(static_cast<milliseconds::rep>(half + random_.below(half + 1)));
  delay_ = std::min(delay_ * 2, kLongestDelay);
  // On top of what was asked for: it was asked of many at once.
  return retry_after ? milliseconds(std::min(*retry_after, kRetryAfterMax)) + drawn : drawn;
}

void ReconnectPolicy::on_lost(std::chrono::steady_clock::duration lasted) {
  if (lasted >= kStableAfter) {
    delay_ = kFirstDelay;
  }
}

}  // namespace wspush::cli
