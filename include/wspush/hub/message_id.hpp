#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wspush::hub {

/// Where a message stands: the generation of its topic's log, and its place in it. The first
/// message of an epoch has offset 1; offset 0 stands before it.
/// On the wire: `<epoch, 8 lower-case hex digits>-<offset, decimal>`.
struct MessageId {
  std::uint32_t epoch = 0;
  std::uint64_t offset = 0;

  friend bool operator==(const MessageId&, const MessageId&) = default;
};

/// The wire spelling, at most 29 bytes.
std::string to_string(MessageId id);
void append_to(std::string& out, MessageId id);

/// Nothing but the exact wire spelling is an id: no signs, no leading zeros, no upper case.
std::optional<MessageId> parse_message_id(std::string_view text);

}  // namespace wspush::hub
