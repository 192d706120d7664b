#include "http/response.hpp"

#include <cstddef>

#include "http/status.hpp"

namespace wspush::http {
namespace {

/// Bytes of the UTF-8 character at the start of `text`, 0 when there is none. Messages are short;
/// this is not the validator of the data path.
std::size_t utf8_bytes(std::string_view text) {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned char lead = byte(0);
  const std::size_t bytes = lead < 0x80                   ? 1
                            : lead >= 0xc2 && lead < 0xe0 ? 2
                            : lead >= 0xe0 && lead < 0xf0 ? 3
                            : lead >= 0xf0 && lead < 0xf5 ? 4
                                                          : 0;
  if (bytes > text.size()) {
    return 0;
  }
  for (std::size_t index = 1; index < bytes; ++index) {
    if ((byte(index) & 0xc0U) != 0x80U) {
      return 0;
    }
  }
  // Overlong forms, surrogates and what lies above U+10FFFF: seen in the second byte.
  const bool is_bad = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
                      (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f);
  return is_bad ? 0 : bytes;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  out.push_back('"');
  while (!text.empty()) {
    const std::size_t bytes = utf8_bytes(text);
    const char byte = text.front();
    if (bytes == 0) {
      out += "\xef\xbf\xbd";
    } else if (bytes > 1) {
      out += text.substr(0, bytes);
    } else if (byte == '"' || byte == '\\') {
      out.push_back('\\');
      out.push_back(byte);
    } else if (static_cast<unsigned char>(byte) < 0x20) {
      const auto value = static_cast<unsigned char>(byte);
      out += "\\u00";
      out.push_back(kHexDigits[value >> 4U]);
      out.push_back(kHexDigits[value & 0xfU]);
    } else {
      out.push_back(byte);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  out.push_back('"');
}

}  // namespace

std::string error_body(std::string_view code, std::string_view message) {
  std::string body = R"({"error":{"code":)";
  append_json_string(body, code);
  body += R"(,"message":)";
  append_json_string(body, message);
  body += "}}";
  return body;
}

Response error_response(int status, std::string_view code, std::string_view message) {
  Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = error_body(code.empty() ? default_error_code(status) : code, message);
  return response;
}

Response error_response(const HttpError& error) {
  Response response = error_response(error.status, error.code, error.message);
  response.close = true;
  return response;
}

}  // namespace wspush::http
