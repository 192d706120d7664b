#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/base/random.hpp"

#include "cli/endpoint.hpp"
#include "cli/response_reader.hpp"
#include "websocket/client_handshake.hpp"
#include "websocket/message_assembler.hpp"

namespace wspush::cli {

/// The longest message that a client takes.
inline constexpr std::uint64_t kMessageBytesMax = std::uint64_t{64} << 20;

/// One thing that happened on a WebSocket.
struct WsEvent {
  enum class Kind : std::uint8_t {
    kNone,     ///< the input is used up
    kOpen,     ///< the handshake is done
    kRefused,  ///< `text`, `status`, `retry_after`; the connection is of no more use
    kText,     ///< `payload`
    kClosed,   ///< the server closed: `close_code`, `text` says it in words
    kFailed,   ///< `text`: what broke the protocol
  };

  Kind kind = Kind::kNone;
  MutableBytes payload;  ///< dies with the next call or the input
  std::string text;
  int status = 0;
  websocket::CloseCode close_code = websocket::CloseCode::kNoStatus;
  std::optional<std::chrono::seconds> retry_after;
};

/// The client's end of one WebSocket without its socket: bytes in, events and bytes out. Pings are
/// answered and closes confirmed by itself; a binary message breaks the protocol (the wspush.v1
/// door has none). Pure. Thread: the owner's.
class WsClient {
 public:
  /// `random` gives the key of the handshake and the masks; it must outlive the client.
  WsClient(const Endpoint& endpoint, const std::string& token, Random& random);

  /// Appends the request to upgrade.
  void begin(std::string& out) const;

  /// Takes input from its front until there is an event or nothing left; answers that must go out
  /// are appended to `out`. After kRefused, kClosed or kFailed the client is finished.
  WsEvent next(MutableBytes& input, std::string& out);

  /// The connection has ended: kRefused, kClosed or kFailed.
  WsEvent on_end();

  void send_text(ByteView text, std::string& out);
  /// Begins the close handshake; we do not wait for its end.
  void send_close(std::string& out);

  bool is_open() const { return is_open_; }

 private:
  WsEvent on_handshake(MutableBytes& input);
  WsEvent on_response_end();
  void send(websocket::Opcode opcode, ByteView payload, std::string& out);

  Random& random_;
  websocket::UpgradeRequest request_;
  ResponseReader response_{"GET"};
  websocket::MessageAssembler assembler_;
  bool is_open_ = false;
};

}  // namespace wspush::cli
