#pragma once

#include <string>
#include <string_view>

#include "wspush/base/bytes.hpp"

#include "http/request_head.hpp"
#include "http/response.hpp"

// Writes HTTP/1.1 responses. Pure: bytes are appended to a string of the caller. The order is
// fixed: status line, Date, Connection, Content-Type, Content-Length or Transfer-Encoding, the
// others as given. Source: RFC 9112 §4, §6, §7.1; RFC 9110 §6.6.1.
namespace wspush::http {

/// What a client that waits with its body is told. Source: RFC 9110 §15.2.1.
inline constexpr std::string_view kContinueResponse = "HTTP/1.1 100 Continue\r\n\r\n";

/// What an answer must know of its request and its connection.
struct ResponseContext {
  Version version = Version::kHttp11;  ///< of the request; the answer always says HTTP/1.1
  bool is_head_request = false;        ///< the headers of GET, no body
  bool keep_alive = true;              ///< the connection lives on after it
  std::string_view date;               ///< as `http_date` makes it; empty: no Date
};

/// Appends a whole answer. A 1xx, 204 or 304 gets neither body nor Content-Length; a 101 says
/// `Connection: Upgrade` (its `Upgrade` header is the caller's). `response.close` wins over
/// `context.keep_alive`.
///
/// A header whose name is no token, whose value holds a control character (so CR and LF) or that
/// the writer owns is left out, never written differently; returns false if that happened.
bool append_response(std::string& out, const Response& response, const ResponseContext& context);

/// Appends the head of an answer whose length is not known yet; `response.body` is not looked at.
/// To an HTTP/1.1 client it is chunked: `append_chunk` for each piece, `append_last_chunk` at the
/// end. To an HTTP/1.0 client pieces go out as they are, and the connection closes behind them.
bool append_stream_head(std::string& out, const Response& response, const ResponseContext& context);

/// What stands before the `bytes` of a chunk (not 0: that would end the body), and behind them.
void append_chunk_begin(std::string& out, std::size_t bytes);
inline constexpr std::string_view kChunkEnd = "\r\n";

/// Appends one chunk; nothing for an empty piece, which would end the body.
void append_chunk(std::string& out, ByteView piece);

void append_last_chunk(std::string& out);

}  // namespace wspush::http
