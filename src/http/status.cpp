#include "http/status.hpp"

#include <array>

namespace wspush::http {
namespace {

struct StatusRow {
  int status;
  std::string_view reason;
  std::string_view code;  ///< empty: that of its class
};

constexpr std::array kRows = {
    StatusRow{100, "Continue", ""},
    StatusRow{101, "Switching Protocols", ""},
    StatusRow{200, "OK", ""},
    StatusRow{201, "Created", ""},
    StatusRow{202, "Accepted", ""},
    StatusRow{204, "No Content", ""},
    StatusRow{207, "Multi-Status", ""},
    StatusRow{304, "Not Modified", ""},
    StatusRow{400, "Bad Request", ""},
    StatusRow{401, "Unauthorized", "unauthenticated"},
    StatusRow{403, "Forbidden", "forbidden"},
    StatusRow{404, "Not Found", "not_found"},
    StatusRow{405, "Method Not Allowed", "method_not_allowed"},
    StatusRow{406, "Not Acceptable", "not_acceptable"},
    StatusRow{408, "Request Timeout", "timeout"},
    StatusRow{409, "Conflict", "conflict"},
    StatusRow{410, "Gone", "gone"},
    StatusRow{411, "Length Required", "length_required"},
    StatusRow{412, "Precondition Failed", "precondition_failed"},
    StatusRow{413, "Content Too Large", "too_large"},
    StatusRow{414, "URI Too Long", "too_large"},
    StatusRow{415, "Unsupported Media Type", "unsupported_media_type"},
    StatusRow{417, "Expectation Failed", "expectation_failed"},
    StatusRow{422, "Unprocessable Content", ""},
    StatusRow{426, "Upgrade Required", "upgrade_required"},
    StatusRow{429, "Too Many Requests", "rate_limited"},
    StatusRow{431, "Request Header Fields Too Large", "too_large"},
    StatusRow{500, "Internal Server Error", ""},
    StatusRow{501, "Not Implemented", "not_implemented"},
    StatusRow{502, "Bad Gateway", "bad_response"},
    StatusRow{503, "Service Unavailable", "unavailable"},
    StatusRow{504, "Gateway Timeout", "timeout"},
    StatusRow{505, "HTTP Version Not Supported", "version_not_supported"},
};

const StatusRow* find_row(int status) noexcept {
  for (const StatusRow& row : kRows) {
    if (row.status == status) {
      return &row;
    }
  }
  return nullptr;
}

}  // namespace

std::string_view reason_phrase(int status) noexcept {
  const StatusRow* row = find_row(status);
  return row != nullptr ? row->reason : "Unknown";
}

std::string_view default_error_code(int status) noexcept {
  const StatusRow* row = find_row(status);
  if (row != nullptr && !row->code.empty()) {
    return row->code;
  }
  return status >= 500 ? "internal_error" : "bad_request";
}

}  // namespace wspush::http
