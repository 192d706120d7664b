#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "load/options.hpp"

namespace wspush::load {

/// One answer of an HTTP/1.1 server whose body has a Content-Length.
struct HttpAnswer {
  std::string_view status_line;  ///< "HTTP/1.1 201 Created"
  std::string_view body;

  bool is_success() const { return status_line.substr(0, 10) == "HTTP/1.1 2"; }
  /// For people, on one line.
  std::string summary() const {
    return std::string(status_line) + " " + std::string(body.substr(0, 200));
  }
};

enum class HttpStatus : std::uint8_t { kWhole, kNeedMore, kRefused };

/// Takes the answer that `input` begins with off it. kRefused: no usable Content-Length.
HttpStatus take_http_answer(std::string_view& input, HttpAnswer& answer);

/// Appends the head of a POST to the internal API; `length_header` is its Content-Length or
/// Transfer-Encoding line.
void append_post_head(std::string& out, const Options& options, std::string_view path,
                      std::string_view type, std::string_view length_header);

/// The number of member `name` in a JSON object, 0 where there is none.
std::uint64_t find_json_number(std::string_view object, std::string_view name);

}  // namespace wspush::load
