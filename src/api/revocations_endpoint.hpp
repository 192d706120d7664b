#pragma once

#include <chrono>

#include "api/route.hpp"

namespace wspush::api {

/// How long a revocation lasts where the request does not say, and at most.
inline constexpr std::chrono::seconds kRevocationTime = std::chrono::hours(24);
inline constexpr std::chrono::seconds kRevocationTimeMax = std::chrono::hours(24 * 366);

/// POST /api/revocations: `{"user":"u1"}` or `{"jti":"..."}`, with `"expires_in"` in seconds. 204
/// when every reactor refuses what it covers and has ended it; 429 where no more are kept.
Route revoke_tokens(const Request& request);

}  // namespace wspush::api
