#pragma once

#include <cstddef>

#include "api/route.hpp"

namespace wspush::api {

/// Errors that the answer tells in full; all are counted.
inline constexpr std::size_t kStreamErrorsMax = 100;
/// Published and not yet answered by the hub. Past it the client's bytes wait in its socket, until
/// half of them are: a stream has no end, so a slow home must be able to slow it down.
inline constexpr std::size_t kStreamPendingMax = 4096;

/// POST /api/messages with application/x-ndjson: a message a line, published as it arrives, for as
/// long as the request lasts. A bad line is counted and the next one goes on.
Route publish_stream(const Request& request);

}  // namespace wspush::api
