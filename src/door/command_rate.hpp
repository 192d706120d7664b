#pragma once

#include <algorithm>

#include "wspush/config/config.hpp"

#include "base/token_bucket.hpp"

namespace wspush::door {

/// `limits.commands_per_second` of one connection. The burst lets a client come back with all its
/// topics at once.
inline RateLimit command_rate(const config::Limits& limits) {
  return {.per_second = static_cast<std::uint32_t>(limits.commands_per_second),
          .burst = static_cast<std::uint32_t>(
              std::max(limits.commands_per_second * 2, limits.subscriptions_per_connection + 100))};
}

}  // namespace wspush::door
