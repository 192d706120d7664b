#pragma once

#include <array>

#include "hub/hub.hpp"

namespace wspush::door {

/// How each wire form is encoded, for the hub. Frame headers included.
std::array<hub::Encode, hub::kWireFormCount> wire_forms();

/// Appends the members of a message that every JSON door shows: `"id":"...","key":"...",` and
/// `"data":...`, with `"encoding":"base64"` for a binary one. No braces.
void append_message_members(std::string& out, const hub::Message& message);

}  // namespace wspush::door
