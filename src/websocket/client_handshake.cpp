#include "websocket/client_handshake.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/base64.hpp"
#include "websocket/opening_handshake.hpp"

namespace wspush::websocket {
namespace {

constexpr ByteView kLineEnd = "\r\n";

/// Takes a line that ends with CR LF from the front of `head`.
bool take_line(ByteView& head, ByteView& line) {
  const std::size_t end = head.find(kLineEnd);
  if (end == ByteView::npos) {
    return false;
  }
  line = head.substr(0, end);
  head.remove_prefix(end + kLineEnd.size());
  return true;
}

/// "HTTP/1.1 101 Switching Protocols"; the phrase may be empty or missing.
std::optional<int> parse_status_line(ByteView line) {
  constexpr ByteView kVersion = "HTTP/1.1 ";
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!line.starts_with(kVersion)) {
    return std::nullopt;
  }
  line.remove_prefix(kVersion.size());
  if (line.size() < 3 || !std::ranges::all_of(line.substr(0, 3), is_digit) ||
      (line.size() > 3 && line[3] != ' ')) {
    return std::nullopt;
  }
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

ByteView trimmed(ByteView text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == ByteView::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// What of the response's header the checks need.
struct ResponseHeader {
  bool has_upgrade = false;
  bool has_connection_upgrade = false;
  bool has_extensions = false;
  std::optional<ByteView> accept;
  std::optional<ByteView> subprotocol;
};

/// Reads header lines up to the empty one.
std::optional<ResponseHeader> parse_header(ByteView head) {
  ResponseHeader header;
  ByteView line;
  while (take_line(head, line)) {
    if (line.empty()) {
      return header;
    }
    const std::size_t colon = line.find(':');
    if (colon == ByteView::npos || !is_token(line.substr(0, colon))) {
      return std::nullopt;
    }
    const ByteView name = line.substr(0, colon);
    const ByteView value = trimmed(line.substr(colon + 1));
    const auto is_named = [name](ByteView other) { return equals_ignoring_case(name, other); };
    if (is_named("Upgrade")) {
      header.has_upgrade = header.has_upgrade || equals_ignoring_case(value, "websocket");
    } else if (is_named("Connection")) {
      header.has_connection_upgrade =
          header.has_connection_upgrade || list_contains_token(value, "upgrade");
    } else if (is_named("Sec-WebSocket-Extensions")) {
      header.has_extensions = true;
    } else if (is_named("Sec-WebSocket-Accept") || is_named("Sec-WebSocket-Protocol")) {
      std::optional<ByteView>& known =
          is_named("Sec-WebSocket-Accept") ? header.accept : header.subprotocol;
      if (known.has_value()) {
        return std::nullopt;  // §11.3.3, §11.3.4: once in a response.
      }
      known = value;
    }
  }
  return std::nullopt;  // No empty line.
}

}  // namespace

std::string_view describe(UpgradeError error) noexcept {
  switch (error) {
    case UpgradeError::kMalformed:
      return "the answer is not HTTP/1.1";
    case UpgradeError::kStatus:
      return "the server refused the upgrade";
    case UpgradeError::kNoUpgrade:
      return "the answer does not upgrade to websocket";
    case UpgradeError::kWrongAccept:
      return "wrong Sec-WebSocket-Accept";
    case UpgradeError::kSubprotocol:
      return "the server chose a subprotocol that was not offered";
    case UpgradeError::kExtension:
      return "the server chose an extension that was not offered";
  }
  return {};
}

std::string make_client_key(const std::array<std::uint8_t, 16>& random_bytes) {
  return base64_encode({reinterpret_cast<const char*>(random_bytes.data()), random_bytes.size()});
}

std::string encode_upgrade_request(const UpgradeRequest& request) {
  std::string out =
      "GET " + request.target + " HTTP/1.1\r\nHost: " + request.host +
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + request.key +
      "\r\nSec-WebSocket-Version: 13\r\n";
  for (std::size_t i = 0; i < request.subprotocols.size(); ++i) {
    out += i == 0 ? "Sec-WebSocket-Protocol: " : ", ";
    out += request.subprotocols[i];
  }
  out += request.subprotocols.empty() ? "" : "\r\n";
  for (const auto& [name, value] : request.headers) {
    out += name + ": " + value + "\r\n";
  }
  out += kLineEnd;
  return out;
}

Result<UpgradeResponse, UpgradeError> check_upgrade_response(ByteView head,
                                                             const UpgradeRequest& request,
                                                             int* status) {
  ByteView line;
  if (!take_line(head, line)) {
    return Unexpected(UpgradeError::kMalformed);
  }
  const std::optional<int> code = parse_status_line(line);
  if (!code.has_value()) {
    return Unexpected(UpgradeError::kMalformed);
  }
  if (status != nullptr) {
    *status = *code;
  }
  const std::optional<ResponseHeader> header = parse_header(head);
  if (!header.has_value()) {
    return Unexpected(UpgradeError::kMalformed);
  }
  if (*code != 101) {
    return Unexpected(UpgradeError::kStatus);
  }
  if (!header->has_upgrade || !header->has_connection_upgrade) {
    return Unexpected(UpgradeError::kNoUpgrade);
  }
  if (header->accept != accept_key(request.key)) {
    return Unexpected(UpgradeError::kWrongAccept);
  }
  if (header->has_extensions) {
    return Unexpected(UpgradeError::kExtension);
  }
  UpgradeResponse response{.status = *code};
  if (header->subprotocol.has_value()) {
    if (std::ranges::find(request.subprotocols, *header->subprotocol) ==
        request.subprotocols.end()) {
      return Unexpected(UpgradeError::kSubprotocol);
    }
    response.subprotocol = *header->subprotocol;
  }
  return response;
}

}  // namespace wspush::websocket
