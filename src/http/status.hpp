#pragma once

#include <string_view>

namespace wspush::http {

/// "Not Found" for 404; "Unknown" for a status that we never send. Source: RFC 9110 §15.
std::string_view reason_phrase(int status) noexcept;

/// The `code` that an error body carries when nobody says a better one: "not_found" for 404,
/// "bad_request" for other 4xx, "internal_error" for other 5xx.
std::string_view default_error_code(int status) noexcept;

/// False for 1xx, 204 and 304: these never have a body, whatever their headers say.
/// Source: RFC 9110 §6.4.1.
constexpr bool status_allows_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace wspush::http
