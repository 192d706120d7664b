#include "http/message_framing.hpp"

#include <limits>

#include "base/percent.hpp"
#include "http/request_target.hpp"

namespace wspush::http {
namespace {

constexpr std::uint32_t kPortMax = 65535;

bool is_valid_port(std::string_view port) noexcept {
  std::uint32_t value = 0;
  for (const char digit : port) {
    if (!is_digit(digit)) {
      return false;
    }
    value = value * 10 + static_cast<std::uint32_t>(digit - '0');
    if (value > kPortMax) {
      return false;
    }
  }
  return true;
}

bool is_ip_literal(std::string_view text) noexcept {
  bool has_colon = false;
  for (const char byte : text) {
    has_colon = has_colon || byte == ':';
    if (hex_digit_value(byte) < 0 && byte != ':' && byte != '.') {
      return false;
    }
  }
  return has_colon;
}

// RFC 3986 allows sub-delims in a name as well. No host has them, and a comma is the trace of two
// Host headers that somebody joined.
bool is_host_name(std::string_view name) noexcept {
  for (std::size_t index = 0; index < name.size(); ++index) {
    const char byte = name[index];
    if (byte == '%') {
      if (name.size() - index < 3 || hex_digit_value(name[index + 1]) < 0 ||
          hex_digit_value(name[index + 2]) < 0) {
        return false;
      }
      index += 2;
      continue;
    }
    const char lower = to_lower(byte);
    const bool is_unreserved = (lower >= 'a' && lower <= 'z') || is_digit(byte) || byte == '-' ||
                               byte == '.' || byte == '_' || byte == '~';
    if (!is_unreserved) {
      return false;
    }
  }
  return !name.empty();
}

Result<BodyFraming, HttpFault> judge_transfer_encoding(const HeaderMap& headers) {
  std::size_t codings = 0;
  std::size_t chunked = 0;
  bool ends_chunked = false;
  headers.for_each_element("Transfer-Encoding", [&](std::string_view coding) {
    ++codings;
    ends_chunked = equals_ignoring_case(coding, "chunked");
    chunked += ends_chunked ? 1 : 0;
  });
  // The list syntax would allow ", chunked," and a second, empty line as well. Nobody sends that
  // but to be read differently by two parties.
  const auto only = headers.find("Transfer-Encoding");
  if (headers.count("Transfer-Encoding") == 1 && only && equals_ignoring_case(*only, "chunked")) {
    return BodyFraming{.content_length = std::nullopt, .is_chunked = true};
  }
  const bool has_an_end = ends_chunked && chunked == 1 && codings > 1;
  return Unexpected(has_an_end ? HttpFault::kUnknownTransferCoding
                               : HttpFault::kBadTransferEncoding);
}

std::optional<HttpFault> judge_host(RequestHead& head, std::string_view authority) {
  const std::size_t hosts = head.headers.count("Host");
  if (hosts > 1) {
    return HttpFault::kDuplicateHost;
  }
  if (hosts == 0 && head.version == Version::kHttp11) {
    return HttpFault::kMissingHost;
  }
  const std::string_view host = head.headers.find("Host").value_or(std::string_view());
  if (!is_valid_host(host)) {
    return HttpFault::kBadHost;
  }
  head.host = authority.empty() ? host : authority;
  return std::nullopt;
}

std::optional<HttpFault> judge_expectation(RequestHead& head) {
  bool wants_continue = false;
  bool wants_other = false;
  head.headers.for_each_element("Expect", [&](std::string_view expectation) {
    const bool is_continue = equals_ignoring_case(expectation, "100-continue");
    wants_continue = wants_continue || is_continue;
    wants_other = wants_other || !is_continue;
  });
  if (head.version == Version::kHttp10) {
    return std::nullopt;  // RFC 9110 §10.1.1: to be ignored there
  }
  if (wants_other) {
    return HttpFault::kUnknownExpectation;
  }
  head.expects_continue = wants_continue && head.has_body();
  return std::nullopt;
}

}  // namespace

Result<std::uint64_t, HttpFault> parse_content_length(std::string_view value) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  if (value.empty()) {
    return Unexpected(HttpFault::kBadContentLength);
  }
  std::uint64_t length = 0;
  bool is_too_large = false;
  for (const char byte : value) {
    if (!is_digit(byte)) {
      return Unexpected(HttpFault::kBadContentLength);
    }
    const auto digit = static_cast<std::uint64_t>(byte - '0');
    if (length > (kMax - digit) / 10) {
      is_too_large = true;
    } else {
      length = length * 10 + digit;
    }
  }
  if (is_too_large) {
    return Unexpected(HttpFault::kContentLengthTooLarge);
  }
  return length;
}

Result<BodyFraming, HttpFault> judge_framing(const HeaderMap& headers, Version version) {
  const std::size_t lengths = headers.count("Content-Length");
  if (headers.contains("Transfer-Encoding")) {
    if (lengths > 0) {
      return Unexpected(HttpFault::kLengthAndTransferEncoding);
    }
    if (version == Version::kHttp10) {
      return Unexpected(HttpFault::kTransferEncodingInOldVersion);
    }
    return judge_transfer_encoding(headers);
  }
  if (lengths == 0) {
    return BodyFraming{};
  }
  if (lengths > 1) {
    return Unexpected(HttpFault::kDuplicateContentLength);
  }
  const auto length = parse_content_length(*headers.find("Content-Length"));
  if (!length) {
    return Unexpected(length.error());
  }
  return BodyFraming{.content_length = *length, .is_chunked = false};
}

bool judge_keep_alive(const HeaderMap& headers, Version version) {
  if (headers.has_token("Connection", "close")) {
    return false;
  }
  return version == Version::kHttp11 || headers.has_token("Connection", "keep-alive");
}

bool is_valid_host(std::string_view value) noexcept {
  if (value.empty()) {
    return true;
  }
  if (value.front() == '[') {
    const std::size_t end = value.find(']');
    if (end == std::string_view::npos || !is_ip_literal(value.substr(1, end - 1))) {
      return false;
    }
    value.remove_prefix(end + 1);
    return value.empty() || (value.front() == ':' && is_valid_port(value.substr(1)));
  }
  const std::size_t colon = value.find(':');
  if (!is_host_name(value.substr(0, colon))) {
    return false;
  }
  return colon == std::string_view::npos || is_valid_port(value.substr(colon + 1));
}

std::optional<HttpFault> judge_request(RequestHead& head) {
  if (head.method == "CONNECT") {
    return HttpFault::kMethodNotImplemented;
  }
  const auto target = split_target(head.method, head.target);
  if (!target) {
    return target.error();
  }
  if (const auto fault = judge_host(head, target->authority)) {
    return fault;
  }
  const auto framing = judge_framing(head.headers, head.version);
  if (!framing) {
    return framing.error();
  }
  head.content_length = framing->content_length;
  head.is_chunked = framing->is_chunked;
  head.keep_alive = judge_keep_alive(head.headers, head.version);
  return judge_expectation(head);
}

}  // namespace wspush::http
