#include "config/yaml_excerpt.hpp"

#include <algorithm>
#include <vector>

#include "config/config_keys.hpp"

namespace wspush::config {
namespace {

constexpr std::size_t kExcerptBytesMax = 100;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') {
      line.remove_suffix(1);
    }
    lines.push_back(line);
    if (end == text.npos) {
      return lines;
    }
    text.remove_prefix(end + 1);
  }
}

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/// The key that a line begins with, `- ` and blanks before it passed over; empty if none.
std::string_view key_of(std::string_view line) {
  const auto start = line.find_first_not_of(" \t-");
  if (start == line.npos) {
    return {};
  }
  line.remove_prefix(start);
  const auto end =
      static_cast<std::size_t>(std::ranges::find_if_not(line, is_key_character) - line.begin());
  return end < line.size() && line[end] == ':' ? line.substr(0, end) : std::string_view();
}

std::string_view section_name(std::string_view path) {
  return path.substr(0, path.find_first_of(".["));
}

bool is_secret_leaf(std::string_view name) {
  return std::ranges::any_of(
      config_keys(), [&](const KeyRow& row) { return row.is_secret && leaf_of(row.path) == name; });
}

bool has_secrets(std::string_view section) {
  const auto rows = config_keys();
  const bool is_known = std::ranges::any_of(
      rows, [&](const KeyRow& row) { return section_name(row.path) == section; });
  return !is_known || std::ranges::any_of(rows, [&](const KeyRow& row) {
    return row.is_secret && section_name(row.path) == section;
  });
}

/// A scalar of its own on this line, under a key that never holds a secret.
bool is_harmless(std::string_view section, std::string_view line) {
  const std::string_view key = key_of(line);
  if (key.empty() || is_secret_leaf(key) || line.find_first_of("{}[]") != line.npos) {
    return false;
  }
  return std::ranges::any_of(config_keys(), [&](const KeyRow& row) {
    return section_name(row.path) == section && leaf_of(row.path) == key;
  });
}

}  // namespace

std::string excerpt_of(std::string_view text, int line, int column) {
  const std::vector<std::string_view> lines = lines_of(text);
  const auto index = static_cast<std::size_t>(line) - 1;
  if (line < 1 || index >= lines.size() || column < 1) {
    return {};
  }
  // The section begins at the nearest line above (or this one) that has a key at column one.
  std::string_view section;
  for (std::size_t i = index + 1; i-- > 0 && section.empty();) {
    if (!lines[i].empty() && is_key_character(lines[i].front())) {
      section = key_of(lines[i]);
    }
  }
  if (has_secrets(section) && !is_harmless(section, lines[index])) {
    return {};
  }
  const std::string_view shown = lines[index].substr(0, kExcerptBytesMax);
  std::string excerpt = "    ";
  for (const char c : shown) {
    excerpt += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  auto caret = static_cast<std::size_t>(column) - 1;
  if (caret > shown.size()) {
    return excerpt;
  }
  // The column counts bytes, the eye characters: those after the first of a character are not seen.
  caret -= static_cast<std::size_t>(std::ranges::count_if(shown.substr(0, caret), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
  }));
  return excerpt + "\n    " + std::string(caret, ' ') + '^';
}

}  // namespace wspush::config
