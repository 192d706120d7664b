#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wspush::load {

/// What the load programs must know of the NATS client protocol: lines that end in CRLF, and
/// payloads of a length that the line before them gives. Over WebSocket it is the payload of
/// binary messages, whose borders mean nothing to it.
/// Source: the NATS protocol reference, "Client Protocol".
///
///   server: INFO {...} | MSG subject sid [reply-to] bytes CRLF payload | PING | PONG | +OK | -ERR
///   client: CONNECT {...} | SUB subject sid | PUB subject bytes CRLF payload | PING | PONG
struct NatsOperation {
  enum class Kind : std::uint8_t {
    kNeedMore,
    kMessage,
    kPing,
    kPong,
    kOther,    ///< INFO, +OK: nothing to do
    kError,    ///< -ERR
    kRefused,  ///< no line of the protocol, or too long a one
  };
  Kind kind = Kind::kNeedMore;
  std::string_view text;  ///< the payload of a message, the line of all else
};

/// Takes the operation that `input` begins with off it; kNeedMore leaves it as it is.
NatsOperation take_nats(std::string_view& input);

/// `CONNECT`, with `token` where it is not empty.
std::string nats_connect(std::string_view token);
std::string nats_subscribe(std::string_view topic);
void append_nats_publish(std::string& out, std::string_view topic, std::string_view payload);

inline constexpr std::string_view kNatsPing = "PING\r\n";
inline constexpr std::string_view kNatsPong = "PONG\r\n";

}  // namespace wspush::load
