#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wspush/base/bytes.hpp"

// HTTP heads by the plainest reading of RFC 9112 that there is: cut into lines, cut the lines.
// Slow, and without any of the parsers' own functions.
namespace wspush::fuzz {

struct PlainField {
  std::string name;
  std::string value;
};

struct PlainHead {
  std::string first_line;
  std::vector<PlainField> fields;
  std::size_t bytes = 0;  ///< with empty lines before and after

  std::vector<std::string> values_of(std::string_view name) const {
    std::vector<std::string> values;
    for (const PlainField& field : fields) {
      if (lower(field.name) == lower(name)) {
        values.push_back(field.value);
      }
    }
    return values;
  }

  static std::string lower(std::string_view text) {
    std::string out;
    for (const char c : text) {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    return out;
  }
};

inline bool plain_is_token(std::string_view text) {
  constexpr std::string_view kChars =
      "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return !text.empty() && text.find_first_not_of(kChars) == text.npos;
}

inline bool plain_is_text(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
      return false;
    }
  }
  return true;
}

inline std::string plain_trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == text.npos
             ? std::string()
             : std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

inline std::vector<std::string> plain_split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// The first head in `text`, behind at most `empty_lines_max` empty lines; nothing where it is not
/// whole or a line of it is not well-formed. What the first line says is for the caller.
inline std::optional<PlainHead> plain_head(std::string_view text, std::size_t empty_lines_max) {
  PlainHead head;
  for (std::size_t i = 0; i < empty_lines_max && text.substr(head.bytes, 2) == "\r\n"; ++i) {
    head.bytes += 2;
  }
  std::vector<std::string_view> lines;
  for (;;) {
    const std::size_t end = text.find("\r\n", head.bytes);
    if (end == text.npos) {
      return std::nullopt;
    }
    const std::string_view line = text.substr(head.bytes, end - head.bytes);
    head.bytes = end + 2;
    if (line.find_first_of("\r\n") != line.npos) {
      return std::nullopt;
    }
    if (line.empty()) {
      break;
    }
    lines.push_back(line);
  }
  if (lines.empty()) {
    return std::nullopt;
  }
  head.first_line = lines.front();
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::size_t colon = lines[i].find(':');
    if (colon == std::string_view::npos || !plain_is_token(lines[i].substr(0, colon)) ||
        !plain_is_text(lines[i].substr(colon + 1))) {
      return std::nullopt;
    }
    head.fields.push_back(
        {std::string(lines[i].substr(0, colon)), plain_trim(lines[i].substr(colon + 1))});
  }
  return head;
}

}  // namespace wspush::fuzz
