#pragma once

#include <string>

#include "wspush/base/bytes.hpp"

#include "cli/options.hpp"
#include "cli/v1_event.hpp"

namespace wspush::cli {

/// Appends the line of a message, with its line end and no other one in it: `\n` and `\r` in it
/// become blanks.
///
/// kJson: `text`, the object as it came. kRaw: the payload: JSON byte for byte, save that of a
/// string the text is printed (on this door a text payload and a JSON string are one and the same);
/// binary as base64. Pure. Cost: O(text).
void append_message_line(std::string& out, const V1Event& message, ByteView text,
                         LineFormat format);

}  // namespace wspush::cli
