#pragma once

#include "api/route.hpp"

namespace wspush::api {

/// POST /api/topics/{topic}/messages: the body is one message. application/json is JSON, text/* is
/// text, anything else binary. `Wspush-Key` is the message's key, `Idempotency-Key` makes a repeat
/// harmless. 201 with the id and the number of subscribers.
Route publish_message(const Request& request);

}  // namespace wspush::api
