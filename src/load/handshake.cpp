#include "load/handshake.hpp"

#include "load/wire.hpp"

namespace wspush::load {
namespace {

constexpr std::size_t kHeadBytesMax = 16384;

// As browsers offer it; and what lets one inflater serve all subscribers.
constexpr std::string_view kOffer = "permessage-deflate; client_max_window_bits";
constexpr std::string_view kNoServerTakeover = "server_no_context_takeover";

}  // namespace

std::string encode_handshake(const Options& options, std::string_view path,
                             std::string_view subprotocol, std::uint64_t number, bool is_deflated) {
  return encode_upgrade_request({.host = options.server.authority,
                                 .path = path,
                                 .key = key_from(number),
                                 .subprotocol = subprotocol,
                                 .extensions = is_deflated ? kOffer : std::string_view(),
                                 .token = options.token});
}

HandshakeStatus take_handshake_answer(std::string_view& input, std::string_view subprotocol,
                                      std::uint64_t number, bool is_deflated, std::string& why) {
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (input.size() <= kHeadBytesMax) {
      return HandshakeStatus::kNeedMore;
    }
    why = "an endless answer to the handshake";
    return HandshakeStatus::kRefused;
  }
  const std::string_view head = input.substr(0, end + 2);
  const std::string_view status_line = head.substr(0, head.find("\r\n"));
  const std::string_view extensions =
      find_header(head, "sec-websocket-extensions").value_or(std::string_view());
  if (status_line.substr(0, 12) != "HTTP/1.1 101") {
    why = "handshake: " + std::string(status_line) + " " + std::string(input.substr(end + 4, 200));
  } else if (find_header(head, "sec-websocket-accept") != accept_for(key_from(number))) {
    why = "handshake: wrong Sec-WebSocket-Accept";
  } else if (find_header(head, "sec-websocket-protocol").value_or(std::string_view()) !=
             subprotocol) {
    why = "handshake: subprotocol: " +
          std::string(find_header(head, "sec-websocket-protocol").value_or("none"));
  } else if (is_deflated ? extensions.find(kNoServerTakeover) == std::string_view::npos
                         : !extensions.empty()) {
    why = "handshake: extensions: " + std::string(extensions);
  } else {
    input.remove_prefix(end + 4);
    return HandshakeStatus::kDone;
  }
  return HandshakeStatus::kRefused;
}

}  // namespace wspush::load
