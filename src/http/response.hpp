#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http_fault.hpp"

namespace wspush::http {

/// An answer, whole. Framing headers (Content-Length, Content-Type, Connection, Date,
/// Transfer-Encoding) are written by the session and never stand in `headers`.
struct Response {
  int status = 200;
  std::string content_type;  ///< empty: none is sent
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool close = false;  ///< end the connection after it, whatever the client would like
};

/// `{"error":{"code":"<code>","message":"<message>"}}`, one line. Both are escaped for JSON; bytes
/// that are not UTF-8 become U+FFFD. Cost: O(bytes).
std::string error_body(std::string_view code, std::string_view message);

/// An answer with that body as application/json. An empty `code` is that of the status.
Response error_response(int status, std::string_view code, std::string_view message);

/// The answer to a broken request: its framing cannot be trusted any more, so it closes.
Response error_response(const HttpError& error);

}  // namespace wspush::http
