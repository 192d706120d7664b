#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"

// The client's side of the opening handshake (RFC 6455 §4.1), for the companion tool.
namespace wspush::websocket {

/// A request to upgrade. Values must hold no CR, LF or NUL.
struct UpgradeRequest {
  std::string host;    ///< for Host: name, and port where it is not the scheme's own
  std::string target;  ///< path and query
  std::string key;     ///< make_client_key()
  std::vector<std::string> subprotocols;
  std::vector<std::pair<std::string, std::string>> headers;  ///< more of them, as given
};

enum class UpgradeError : std::uint8_t {
  kMalformed,    ///< not the head of an HTTP/1.1 response
  kStatus,       ///< not 101
  kNoUpgrade,    ///< Upgrade is not "websocket", or Connection has no "upgrade"
  kWrongAccept,  ///< Sec-WebSocket-Accept is missing or not that of our key
  kSubprotocol,  ///< one that was not offered
  kExtension,    ///< an extension that was not asked for
};

std::string_view describe(UpgradeError error) noexcept;

/// What the server chose.
struct UpgradeResponse {
  int status = 0;
  std::string subprotocol;  ///< empty: none
};

/// The value of Sec-WebSocket-Key for 16 random bytes.
std::string make_client_key(const std::array<std::uint8_t, 16>& random_bytes);

/// The request, up to and with its empty line.
std::string encode_upgrade_request(const UpgradeRequest& request);

/// Reads the head of a response, from its status line up to and with its empty line, and checks it
/// against the request. `status` gets the status code where there is one, also when the answer is
/// an error. Cost: linear in `head`.
Result<UpgradeResponse, UpgradeError> check_upgrade_response(ByteView head,
                                                             const UpgradeRequest& request,
                                                             int* status = nullptr);

}  // namespace wspush::websocket
