#include "base/log_line.hpp"

#include <ctime>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/utf8_sequence.hpp"

namespace wspush::log {
namespace {

/// RFC 3339 in UTC, milliseconds.
void append_time(std::string& out, WallTime time) {
  const auto since_epoch = time.time_since_epoch().count();
  const std::time_t seconds = since_epoch / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                 parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                 parts.tm_sec, since_epoch % 1000);
}

char priority(Level level) {
  switch (level) {
    case Level::kTrace:
    case Level::kDebug:
      return '7';
    case Level::kInfo:
      return '6';
    case Level::kWarning:
      return '4';
    case Level::kError:
    case Level::kOff:
      return '3';
  }
  return '3';
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

void append_hex(std::string& out, char byte) {
  fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(byte));
}

void append_control(std::string& out, char c) {
  switch (c) {
    case '\n':
      out.append("\\n");
      break;
    case '\r':
      out.append("\\r");
      break;
    case '\t':
      out.append("\\t");
      break;
    default:
      append_hex(out, c);
      break;
  }
}

}  // namespace

std::string_view level_name(Level level) {
  switch (level) {
    case Level::kTrace:
      return "trace";
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
    case Level::kOff:
      return "off";
  }
  return "off";
}

void append_line(std::string& out, LineStyle style, WallTime time, Level level,
                 std::string_view message) {
  const bool is_clipped = message.size() > kLineBytesMax;
  message = message.substr(0, kLineBytesMax);
  if (style.has_priority) {
    out.append({'<', priority(level), '>'});
  }
  if (style.format == Format::kJson) {
    out.append("{\"time\":\"");
    append_time(out, time);
    out.append("\",\"level\":\"").append(level_name(level)).append("\",\"message\":");
    append_json_string(out, message);
    out.append(is_clipped ? ",\"clipped\":true}\n" : "}\n");
    return;
  }
  if (!style.has_priority) {
    append_time(out, time);
    out.push_back(' ');
  }
  out.append(level_name(level)).push_back(' ');
  for (char c : message) {
    if (is_control(c)) {
      append_control(out, c);
    } else {
      out.push_back(c);
    }
  }
  out.append(is_clipped ? "...\n" : "\n");
}

std::string quoted(std::string_view text, std::size_t bytes_max) {
  std::string out = "\"";
  std::size_t at = 0;
  while (at < text.size()) {
    // C1 controls (U+0080 to U+009F, `c2 80` to `c2 9f`) move a terminal's cursor as C0 ones do.
    const std::string_view rest = text.substr(at);
    std::size_t length = utf8_sequence_bytes(rest);
    if (length == 2 && rest[0] == '\xc2' && static_cast<unsigned char>(rest[1]) < 0xa0) {
      length = 0;
    }
    if (at + (length == 0 ? 1 : length) > bytes_max) {
      return out + "\"...";
    }
    if (length == 0) {
      append_hex(out, rest[0]);
      at += 1;
      continue;
    }
    if (is_control(rest[0])) {
      append_control(out, rest[0]);
    } else {
      if (rest[0] == '"' || rest[0] == '\\') {
        out.push_back('\\');
      }
      out.append(rest.substr(0, length));
    }
    at += length;
  }
  out.push_back('"');
  return out;
}

}  // namespace wspush::log
