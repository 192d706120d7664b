#include "cli/v1_event.hpp"

namespace wspush::cli {
namespace {

constexpr ByteView kBlanks = " \t\r\n";

ByteView trimmed(ByteView text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == ByteView::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// The place behind the string that begins at `at`, or npos.
std::size_t skip_string(ByteView text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return ByteView::npos;
}

/// The place of the comma behind the value at `at`, or the end of the text; npos when it is broken.
std::size_t skip_value(ByteView text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char byte = text[at];
    if (byte == '"') {
      at = skip_string(text, at);
      if (at == ByteView::npos) {
        return at;
      }
      continue;
    }
    if (byte == '{' || byte == '[') {
      ++depth;
    } else if (byte == '}' || byte == ']') {
      if (depth == 0) {
        return ByteView::npos;
      }
      --depth;
    } else if (byte == ',' && depth == 0) {
      return at;
    }
    ++at;
  }
  return depth == 0 ? at : ByteView::npos;
}

JsonType type_of(char first) {
  switch (first) {
    case '"':
      return JsonType::kString;
    case '{':
      return JsonType::kObject;
    case '[':
      return JsonType::kArray;
    case 't':
    case 'f':
      return JsonType::kBoolean;
    case 'n':
      return JsonType::kNull;
    default:
      return JsonType::kNumber;
  }
}

}  // namespace

std::optional<V1Event> V1Event::parse(ByteView text) {
  text = trimmed(text);
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') {
    return std::nullopt;
  }
  text = trimmed(text.substr(1, text.size() - 2));
  V1Event event;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t name_begin = text.find_first_not_of(kBlanks, at);
    if (name_begin == ByteView::npos || text[name_begin] != '"') {
      return std::nullopt;
    }
    const std::size_t name_end = skip_string(text, name_begin);
    const std::size_t colon =
        name_end == ByteView::npos ? name_end : text.find_first_not_of(kBlanks, name_end);
    if (colon == ByteView::npos || text[colon] != ':') {
      return std::nullopt;
    }
    const std::size_t value_end = skip_value(text, colon + 1);
    if (value_end == ByteView::npos) {
      return std::nullopt;
    }
    if (event.count_ < event.members_.size()) {
      event.members_[event.count_++] = {
          .name = text.substr(name_begin + 1, name_end - name_begin - 2),
          .raw = trimmed(text.substr(colon + 1, value_end - colon - 1))};
    }
    at = value_end + 1;
  }
  return event;
}

std::optional<JsonValue> V1Event::find(ByteView name) const {
  for (std::size_t i = 0; i < count_; ++i) {
    const Member& member = members_[i];
    if (member.name == name) {
      if (member.raw.empty() || !check_json(member.raw)) {
        return std::nullopt;
      }
      return JsonValue(type_of(member.raw.front()), member.raw);
    }
  }
  return std::nullopt;
}

std::optional<std::string> V1Event::find_string(ByteView name) const {
  const std::optional<JsonValue> value = find(name);
  if (!value || !value->is_string()) {
    return std::nullopt;
  }
  std::string scratch;
  return std::string(value->string(scratch));
}

}  // namespace wspush::cli
