#pragma once

#include <string>

#include "wspush/hub/message.hpp"

// How a message stands in JSON, the same at every door and in the API. Pure; any thread.
namespace wspush::hub {

/// Appends the members of a message: `"id":"...","key":"...",` and `"data":...`, with
/// `"encoding":"base64"` for a binary one. No braces. Cost: O(payload).
void append_message_members(std::string& out, const Message& message);

/// The same without the payload of a JSON message, which stands as it is: true says that it has to
/// follow `out`. So a large payload need not be copied.
bool append_members_before_payload(std::string& out, const Message& message);

}  // namespace wspush::hub
