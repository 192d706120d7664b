#pragma once

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"
#include "wspush/hub/message.hpp"

#include "api/api_context.hpp"
#include "api/api_error.hpp"
#include "api/caller.hpp"
#include "base/json.hpp"

namespace wspush::api {

/// Bytes of a message's key.
inline constexpr std::size_t kMessageKeyBytesMax = 255;

/// A message of a batch that may be published.
struct Entry {
  ByteView topic;  ///< lifetime: until the caller's next topic is admitted
  hub::MessageRef message;
};

/// Reads one object of a batch or one line of a stream and judges it:
/// `{"topic":"a", "data":<any JSON> | "text":"..." | "base64":"...", "key":"AAPL"}`, exactly one of
/// the three in the middle.
/// Errors: bad_request, bad_topic, forbidden, too_large (the rule's `message_bytes`).
/// Cost: O(bytes), the payload is copied once (base64 and text with escapes twice).
Result<Entry, ApiError> read_entry(const JsonObject& object, Caller& caller, ApiContext& context);

}  // namespace wspush::api
