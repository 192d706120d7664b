#pragma once

#include <cstddef>

#include "api/route.hpp"

namespace wspush::api {

/// Messages of one batch; more are `too_large`. 16 MiB of the smallest ones would be four times as
/// many, and each needs its place in the answer.
inline constexpr std::size_t kBatchMessagesMax = 100'000;

/// POST /api/messages with application/json: `{"messages":[...]}`. Each is judged and published by
/// itself, in order; the answer has one result for each, in that order.
Route publish_batch(const Request& request);

/// POST /api/messages: by Content-Type this or `publish_stream`.
Route publish_many(const Request& request);

}  // namespace wspush::api
