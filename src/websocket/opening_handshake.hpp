#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wspush/base/bytes.hpp"

// The server's side of the opening handshake (RFC 6455 §4.2), as functions of header values. All
// are linear in their input, or n log n where said; none trusts it.
namespace wspush::websocket {

/// Most entries that a list of subprotocols may have; a longer one is malformed.
inline constexpr std::size_t kSubprotocolsMax = 128;

/// The value of Sec-WebSocket-Accept for `key`: base64(SHA-1(key + the GUID)), 28 characters.
/// Source: §4.2.2 5.4. Thread: any. Cost: under a microsecond, one allocation.
std::string accept_key(ByteView key);

/// True when `key` is base64 of exactly 16 bytes. The four unused bits of the last character may
/// have any value: some clients draw the characters instead of the bytes.
bool is_valid_key(ByteView key) noexcept;

/// Takes the next element from the front of a comma-separated header value (RFC 9110 §5.6.1):
/// trimmed, never empty. False at the end. Commas in a quoted string do not separate; one that is
/// never closed reaches to the end. A whole walk is linear.
bool take_list_element(ByteView& value, ByteView& element) noexcept;

/// True when `value` has `token` as a list element, in any case of ASCII letters.
bool list_contains_token(ByteView value, ByteView token) noexcept;

/// True for a non-empty run of token characters (RFC 9110 §5.6.2).
bool is_token(ByteView text) noexcept;

/// Equal but for the case of ASCII letters.
bool equals_ignoring_case(ByteView left, ByteView right) noexcept;

/// The entries of all Sec-WebSocket-Protocol values together, in their order, or nothing where they
/// are malformed: no entry at all, one that is no token, one that comes twice (§4.1 10), or more
/// than kSubprotocolsMax. Views point into `values`. No value at all gives an empty list.
/// Cost: O(bytes + n log n).
std::optional<std::vector<ByteView>> parse_subprotocols(std::span<const ByteView> values);

/// The first entry of `offered` that stands in `supported` (compared exactly, §11.3.4), or nothing.
/// The view is the one in `offered`.
std::optional<ByteView> choose_subprotocol(std::span<const ByteView> offered,
                                           std::span<const std::string> supported) noexcept;

}  // namespace wspush::websocket
