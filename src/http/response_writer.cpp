#include "http/response_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "http/grammar.hpp"
#include "http/status.hpp"

namespace wspush::http {
namespace {

constexpr std::size_t kNumberBytesMax = 20;
constexpr int kSwitchingProtocols = 101;
/// Of a head as the server writes it: the text does not grow by steps.
constexpr std::size_t kUsualHeadBytes = 384;

void append_number(std::string& out, std::uint64_t number, int radix) {
  std::array<char, kNumberBytesMax> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, radix).ptr;
  out.append(digits.data(), end);
}

bool is_safe_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char byte) { return is_field_visible(byte) || is_blank(byte); });
}

bool is_written_here(std::string_view name) {
  constexpr std::array<std::string_view, 5> kOwned = {"Connection", "Content-Length",
                                                      "Content-Type", "Date", "Transfer-Encoding"};
  return std::any_of(kOwned.begin(), kOwned.end(),
                     [&](std::string_view owned) { return equals_ignoring_case(name, owned); });
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

/// What all answers begin with. Returns false if something was left out.
bool append_start(std::string& out, const Response& response, bool keep_alive,
                  std::string_view date) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(std::clamp(response.status, 100, 999)), 10);
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\n";
  const bool is_date_safe = is_safe_value(date);
  const bool is_type_safe = is_safe_value(response.content_type);
  if (!date.empty() && is_date_safe) {
    append_line(out, "Date", date);
  }
  if (response.status == kSwitchingProtocols) {
    append_line(out, "Connection", "Upgrade");
  } else {
    append_line(out, "Connection", keep_alive ? "keep-alive" : "close");
  }
  const bool has_type = !response.content_type.empty() && status_allows_body(response.status);
  if (has_type && is_type_safe) {
    append_line(out, "Content-Type", response.content_type);
  }
  return is_date_safe && is_type_safe;
}

bool append_others(std::string& out, const Response& response) {
  bool is_whole = true;
  for (const auto& [name, value] : response.headers) {
    if (is_token(name) && is_safe_value(value) && !is_written_here(name)) {
      append_line(out, name, value);
    } else {
      is_whole = false;
    }
  }
  out += "\r\n";
  return is_whole;
}

}  // namespace

bool append_response(std::string& out, const Response& response, const ResponseContext& context) {
  const bool keep_alive = context.keep_alive && !response.close;
  const bool has_body = status_allows_body(response.status);
  out.reserve(out.size() + kUsualHeadBytes + response.body.size());
  const bool start_is_whole = append_start(out, response, keep_alive, context.date);
  if (has_body) {
    out += "Content-Length: ";
    append_number(out, response.body.size(), 10);
    out += "\r\n";
  }
  const bool others_are_whole = append_others(out, response);
  if (has_body && !context.is_head_request) {
    out += response.body;
  }
  return start_is_whole && others_are_whole;
}

bool append_stream_head(std::string& out, const Response& response,
                        const ResponseContext& context) {
  const bool is_chunked = context.version == Version::kHttp11;
  const bool keep_alive = is_chunked && context.keep_alive && !response.close;
  const bool start_is_whole = append_start(out, response, keep_alive, context.date);
  if (is_chunked) {
    append_line(out, "Transfer-Encoding", "chunked");
  }
  const bool others_are_whole = append_others(out, response);
  return start_is_whole && others_are_whole;
}

void append_chunk_begin(std::string& out, std::size_t bytes) {
  append_number(out, bytes, 16);
  out += "\r\n";
}

void append_chunk(std::string& out, ByteView piece) {
  if (piece.empty()) {
    return;
  }
  append_chunk_begin(out, piece.size());
  out += piece;
  out += kChunkEnd;
}

void append_last_chunk(std::string& out) {
  out += "0\r\n\r\n";
}

}  // namespace wspush::http
