#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"

// The server's side of negotiating permessage-deflate (RFC 6455 §9.1, RFC 7692 §5 and §7.1), as a
// function of header values. Linear in its input; trusts nothing of it.
namespace wspush::websocket {

/// The smallest and the largest LZ77 window, as powers of two (RFC 7692 §7.1.2).
inline constexpr int kWindowBitsMin = 8;
inline constexpr int kWindowBitsMax = 15;

/// What this server grants.
struct DeflateBounds {
  bool server_context_takeover = false;  ///< our window may outlive a message
  bool client_context_takeover = false;  ///< the client's may
  int window_bits = kWindowBitsMax;      ///< at most, for either side
};

/// What both sides hold to from the 101 on. 4 bytes.
struct DeflateAgreement {
  std::uint8_t server_window_bits = kWindowBitsMax;  ///< we never refer further back than 2^bits
  std::uint8_t client_window_bits = kWindowBitsMax;  ///< nor does the client
  bool server_context_takeover = false;
  bool client_context_takeover = false;

  friend bool operator==(const DeflateAgreement&, const DeflateAgreement&) = default;
};

/// The first offer that could be taken, and the value of Sec-WebSocket-Extensions that says so.
struct AcceptedOffer {
  DeflateAgreement agreement;
  std::string answer;
};

/// Why a handshake fails on its extensions: the header is not what RFC 6455 §9.1 says.
struct MalformedExtensions {};

/// Walks over all Sec-WebSocket-Extensions values in their order and takes the first offer of
/// permessage-deflate whose parameters are all known, come once, have a value where and only where
/// one is allowed, and are in range; the others are declined, as are extensions that we do not
/// know. Nothing where none could be taken, or where `bounds` is nothing (compression is off).
///
///   extensions = 1#( token *( ";" token [ "=" ( token | quoted-string ) ] ) )
///
/// White space may stand between any two of these. What a quoted string says has to be a token too;
/// where it is none the offer is declined, as its value is out of range then, whatever it is for.
/// Errors: anything else, also behind an offer that was taken. Cost: O(bytes), one allocation for
/// the answer, and one for a quoted value with escapes.
/// Source: RFC 6455 §9.1; RFC 7692 §7.1. Numbers have one spelling each: "8" to "15".
Result<std::optional<AcceptedOffer>, MalformedExtensions> negotiate_deflate(
    std::span<const ByteView> values, const std::optional<DeflateBounds>& bounds);

}  // namespace wspush::websocket
