#pragma once

#include <cstdint>
#include <string_view>

namespace wspush::websocket {

/// RFC 6455 §7.4.1 and the IANA registry, then those of our own that docs/protocol.md gives. The
/// type is open: a peer may send any value for which `may_be_received()` holds.
enum class CloseCode : std::uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kUnacceptableData = 1003,
  kNoStatus = 1005,  ///< never on the wire: the close frame was empty
  kAbnormal = 1006,  ///< never on the wire: the connection ended without a close frame
  kInvalidPayload = 1007,
  kPolicyViolation = 1008,
  kTooBig = 1009,
  kMandatoryExtension = 1010,
  kInternalError = 1011,
  kServiceRestart = 1012,
  kTryAgainLater = 1013,
  kBadGateway = 1014,
  kTokenExpired = 4001,
  kAuthenticationRequired = 4002,
  kTerminated = 4003,
  kMessagesLost = 4007,
  kTooSlow = 4008,
  kHeartbeatLost = 4009,
};

/// True for a code that a close frame may carry: 1000 to 1003, 1007 to 1014 (registered) and 3000
/// to 4999 (registered by libraries, private). Anything else is a protocol error. RFC 6455 §7.4.2.
constexpr bool may_be_received(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

/// A short English phrase for a close frame's reason; empty for a code that has none here.
std::string_view reason_phrase(CloseCode code) noexcept;

}  // namespace wspush::websocket
