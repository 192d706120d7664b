#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/header_map.hpp"

namespace wspush::http {

enum class Version : std::uint8_t { kHttp10, kHttp11 };

/// The request line and the headers of one request that passed all checks, and what they mean for
/// the connection.
///
/// Lifetime: all views point into the bytes of the head and die with them.
struct RequestHead {
  std::string_view method;  ///< as sent: methods are case-sensitive
  std::string_view target;  ///< raw; RequestTarget takes it apart
  Version version = Version::kHttp11;
  HeaderMap headers;

  /// The authority asked for, host and port as sent: of the target in its absolute form, else of
  /// `Host`. Empty where neither names one (HTTP/1.0). Source: RFC 9112 §3.2.2.
  std::string_view host;

  /// Bytes of body announced; nullopt without Content-Length. Never there together with
  /// `is_chunked`: such a request is refused.
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;

  /// Whether the client lets the connection live on after the answer: HTTP/1.1 unless it says
  /// `Connection: close`, HTTP/1.0 where it says `keep-alive`. Source: RFC 9112 §9.3.
  bool keep_alive = true;

  /// There is a body, and the client waits for `100 Continue` before it sends it.
  /// Source: RFC 9110 §10.1.1.
  bool expects_continue = false;

  bool has_body() const { return is_chunked || content_length.value_or(0) > 0; }
};

}  // namespace wspush::http
