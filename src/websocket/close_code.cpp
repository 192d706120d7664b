#include "websocket/close_code.hpp"

namespace wspush::websocket {

std::string_view reason_phrase(CloseCode code) noexcept {
  switch (code) {
    case CloseCode::kNormal:
      return "normal closure";
    case CloseCode::kGoingAway:
      return "going away";
    case CloseCode::kProtocolError:
      return "protocol error";
    case CloseCode::kUnacceptableData:
      return "unacceptable data";
    case CloseCode::kInvalidPayload:
      return "invalid UTF-8";
    case CloseCode::kPolicyViolation:
      return "policy violation";
    case CloseCode::kTooBig:
      return "message too big";
    case CloseCode::kMandatoryExtension:
      return "mandatory extension missing";
    case CloseCode::kInternalError:
      return "internal error";
    case CloseCode::kServiceRestart:
      return "service restart";
    case CloseCode::kTryAgainLater:
      return "try again later";
    case CloseCode::kBadGateway:
      return "bad gateway";
    case CloseCode::kTokenExpired:
      return "token expired";
    case CloseCode::kAuthenticationRequired:
      return "authentication required";
    case CloseCode::kTerminated:
      return "terminated";
    case CloseCode::kMessagesLost:
      return "messages lost";
    case CloseCode::kTooSlow:
      return "too slow";
    case CloseCode::kHeartbeatLost:
      return "heartbeat lost";
    case CloseCode::kNoStatus:
    case CloseCode::kAbnormal:
      break;
  }
  return {};
}

}  // namespace wspush::websocket
