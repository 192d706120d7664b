#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wspush/base/result.hpp"

#include "http/header_map.hpp"
#include "http/http_fault.hpp"
#include "http/request_head.hpp"

// Where a body ends and whether the connection lives on: the headers that request smuggling is made
// with. Pure functions over a whole head. Cost: the length of the headers concerned.
namespace wspush::http {

struct BodyFraming {
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
};

/// Content-Length and Transfer-Encoding. Refused: both of them, more than one Content-Length (equal
/// ones too), anything in it but digits, a Transfer-Encoding in HTTP/1.0 or other than `chunked`.
/// Source: RFC 9112 §6.1 to §6.3.
Result<BodyFraming, HttpFault> judge_framing(const HeaderMap& headers, Version version);

/// Whether the sender lets the connection live on. Source: RFC 9112 §9.3.
bool judge_keep_alive(const HeaderMap& headers, Version version);

/// `1*DIGIT` as a number. Errors: kBadContentLength; kContentLengthTooLarge when it does not fit.
Result<std::uint64_t, HttpFault> parse_content_length(std::string_view value);

/// Whether `value` is `uri-host [ ":" port ]`: a name, an IPv4 or a bracketed IPv6 literal, with a
/// port up to 65535. An empty value is one too;
/// sub-delims (comma, '!', ...) are refused though the grammar of URIs has them. Source: RFC 9110
/// §7.2, RFC 3986 §3.2.
bool is_valid_host(std::string_view value) noexcept;

/// Fills host, framing, keep_alive and expects_continue of a head whose lines were parsed; nullopt
/// when all is well.
std::optional<HttpFault> judge_request(RequestHead& head);

}  // namespace wspush::http
