#include "load/http_answer.hpp"

#include <charconv>

#include "load/wire.hpp"

namespace wspush::load {
namespace {

constexpr std::size_t kBodyBytesMax = std::size_t{16} << 20;

}  // namespace

HttpStatus take_http_answer(std::string_view& input, HttpAnswer& answer) {
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return input.size() > kBodyBytesMax ? HttpStatus::kRefused : HttpStatus::kNeedMore;
  }
  const std::string_view head = input.substr(0, end + 2);
  const auto length_text = find_header(head, "content-length");
  std::size_t length = 0;
  if (!length_text ||
      std::from_chars(length_text->data(), length_text->data() + length_text->size(), length).ec !=
          std::errc() ||
      length > kBodyBytesMax) {
    return HttpStatus::kRefused;
  }
  if (input.size() < end + 4 + length) {
    return HttpStatus::kNeedMore;
  }
  answer.status_line = head.substr(0, head.find("\r\n"));
  answer.body = input.substr(end + 4, length);
  input.remove_prefix(end + 4 + length);
  return HttpStatus::kWhole;
}

void append_post_head(std::string& out, const Options& options, std::string_view path,
                      std::string_view type, std::string_view length_header) {
  out.append("POST ").append(options.api->path).append(path).append(" HTTP/1.1\r\nHost: ");
  out.append(options.api->authority);
  if (!options.api_key.empty()) {
    out.append("\r\nAuthorization: Bearer ").append(options.api_key);
  }
  out.append("\r\nContent-Type: ").append(type).append("\r\n");
  out.append(length_header).append("\r\n\r\n");
}

std::uint64_t find_json_number(std::string_view object, std::string_view name) {
  const std::string quoted = '"' + std::string(name) + "\":";
  const std::size_t at = object.find(quoted);
  std::uint64_t number = 0;
  if (at != std::string_view::npos) {
    const std::string_view rest = object.substr(at + quoted.size());
    (void)std::from_chars(rest.data(), rest.data() + rest.size(), number);
  }
  return number;
}

}  // namespace wspush::load
