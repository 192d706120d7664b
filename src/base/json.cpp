#include "base/json.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

#include <simdjson.h>

#include "base/json_scan.hpp"
#include "base/utf8_sequence.hpp"

namespace wspush {
namespace {

using json_detail::skip_space;
using json_detail::trusted_value;

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto append = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    append(code_point);
  } else if (code_point < 0x800) {
    append(0xc0 | code_point >> 6);
    append(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    append(0xe0 | code_point >> 12);
    append(0x80 | (code_point >> 6 & 0x3f));
    append(0x80 | (code_point & 0x3f));
  } else {
    append(0xf0 | code_point >> 18);
    append(0x80 | (code_point >> 12 & 0x3f));
    append(0x80 | (code_point >> 6 & 0x3f));
    append(0x80 | (code_point & 0x3f));
  }
}

/// Four hex digits that have been checked.
std::uint32_t hex4(const char* at) {
  std::uint32_t value = 0;
  std::from_chars(at, at + 4, value, 16);
  return value;
}

/// Appends what stands between the quotes of a checked string, escapes resolved.
void append_unescaped(std::string& out, ByteView inside) {
  std::size_t at = 0;
  while (at < inside.size()) {
    const std::size_t backslash = std::min(inside.find('\\', at), inside.size());
    out.append(inside, at, backslash - at);
    if (backslash == inside.size()) {
      return;
    }
    const char escape = inside[backslash + 1];
    at = backslash + 2;
    switch (escape) {
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'u': {
        std::uint32_t code_point = hex4(inside.data() + at);
        at += 4;
        if (code_point >= 0xd800 && code_point <= 0xdbff) {
          // The second half of the pair, behind its own \u.
          code_point =
              0x10000 + ((code_point - 0xd800) << 10) + (hex4(inside.data() + at + 2) - 0xdc00);
          at += 6;
        }
        append_utf8(out, code_point);
        break;
      }
      default:  // a quote, a backslash or a slash stands for itself
        out.push_back(escape);
        break;
    }
  }
}

/// The scan with its UTF-8 check; the error has the place of the first byte that is wrong.
Result<void, JsonError> check_text(ByteView text, JsonObject* members) {
  const char* error_at = nullptr;
  const char* error = json_detail::scan_strict(text, members, error_at);
  if (error != nullptr) {
    return Unexpected(JsonError{static_cast<std::size_t>(error_at - text.data()), error,
                                error == json_detail::kTooDeep});
  }
  if (json_detail::has_non_ascii(text) && !simdjson::validate_utf8(text.data(), text.size())) {
    std::size_t at = 0;
    while (const std::size_t length = utf8_sequence_bytes(text.substr(at))) {
      at += length;
    }
    return Unexpected(JsonError{at, "not UTF-8", false});
  }
  return {};
}

void append_escape(std::string& out, char special) {
  static constexpr char kHex[] = "0123456789abcdef";
  static constexpr ByteView kNamed = "\"\\\b\f\n\r\t";
  static constexpr ByteView kNames = "\"\\bfnrt";
  out.push_back('\\');
  if (const std::size_t name = kNamed.find(special); name != ByteView::npos) {
    out.push_back(kNames[name]);
    return;
  }
  const auto byte = static_cast<unsigned char>(special);
  out.append("u00");
  out.push_back(kHex[byte >> 4]);
  out.push_back(kHex[byte & 15]);
}

/// Appends `bytes` in quotes, escaped but not judged; whether there are bytes above 0x7f.
bool append_quoted(std::string& out, ByteView bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  bool has_non_ascii = false;
  out.push_back('"');
  for (;;) {
    const char* const stop = json_detail::find_special(at, end, has_non_ascii);
    out.append(at, stop);
    if (stop == end) {
      out.push_back('"');
      return has_non_ascii;
    }
    append_escape(out, *stop);
    at = stop + 1;
  }
}

/// `bytes` with U+FFFD for every byte that is not part of a UTF-8 sequence.
std::string repaired_utf8(ByteView bytes) {
  std::string repaired;
  while (!bytes.empty()) {
    const std::size_t length = utf8_sequence_bytes(bytes);
    repaired.append(length == 0 ? ByteView("\xef\xbf\xbd") : bytes.substr(0, length));
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return repaired;
}

}  // namespace

Result<void, JsonError> check_json(ByteView text) noexcept {
  return check_text(text, nullptr);
}

Result<JsonObject, JsonError> parse_json_object(ByteView text) noexcept {
  Result<JsonObject, JsonError> result{JsonObject()};
  if (auto checked = check_text(text, &*result); !checked) {
    result = Unexpected(checked.error());
  }
  return result;  // One object, so that its members are not copied.
}

Result<JsonValue, JsonError> parse_json(ByteView text) noexcept {
  if (const auto checked = check_text(text, nullptr); !checked) {
    return Unexpected(checked.error());
  }
  const char* const end = text.data() + text.size();
  return trusted_value(skip_space(text.data(), end), end);
}

bool JsonValue::is_integer() const {
  return is_number() && raw.find_first_of(".eE") == ByteView::npos;
}

ByteView JsonValue::string_with_escapes(std::string& scratch) const {
  if (!is_string()) {
    return {};
  }
  const ByteView inside = raw.substr(1, raw.size() - 2);
  if (inside.find('\\') == ByteView::npos) {
    return inside;
  }
  scratch.clear();
  append_unescaped(scratch, inside);
  return scratch;
}

std::optional<bool> JsonValue::boolean() const {
  return is_boolean() ? std::optional(raw == "true") : std::nullopt;
}

std::optional<std::uint64_t> JsonValue::as_uint64() const {
  std::uint64_t value = 0;
  const char* const end = raw.data() + raw.size();
  const auto [stop, error] = std::from_chars(raw.data(), end, value);
  return is_number() && error == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

std::optional<double> JsonValue::as_double() const {
  double value = 0;
  if (!is_number() ||
      std::from_chars(raw.data(), raw.data() + raw.size(), value).ec != std::errc()) {
    return std::nullopt;
  }
  return value;
}

JsonElements JsonValue::elements() const {
  JsonElements elements;
  if (is_array()) {
    elements.inside_ = raw.substr(1, raw.size() - 2);
  }
  return elements;
}

JsonElements::Iterator JsonElements::begin() const {
  Iterator it;
  it.end_ = inside_.data() + inside_.size();
  const char* const first = skip_space(inside_.data(), it.end_);
  if (first != it.end_) {
    it.value_ = trusted_value(first, it.end_);
    it.at_ = it.value_.raw.data() + it.value_.raw.size();
  }
  return it;
}

JsonElements::Iterator& JsonElements::Iterator::operator++() {
  const char* const comma = skip_space(at_, end_);
  if (comma == end_) {
    at_ = nullptr;
    return *this;
  }
  value_ = trusted_value(skip_space(comma + 1, end_), end_);
  at_ = value_.raw.data() + value_.raw.size();
  return *this;
}

JsonObject JsonValue::as_object() const {
  JsonObject object;
  for (JsonMembers members(*this); object.count_ < kJsonMembersMax && members.next();) {
    object.add(members.member());
  }
  return object;
}

JsonMembers::JsonMembers(const JsonValue& object) noexcept {
  if (object.is_object()) {
    end_ = object.raw.data() + object.raw.size() - 1;  // the closing brace
    at_ = skip_space(object.raw.data() + 1, end_);
  }
}

bool JsonMembers::next() noexcept {
  if (at_ == end_) {
    return false;
  }
  const ByteView key = trusted_value(at_, end_).raw;
  member_.raw_key = key.substr(1, key.size() - 2);
  member_.key_has_escapes = member_.raw_key.find('\\') != ByteView::npos;
  const char* const colon = skip_space(key.data() + key.size(), end_);
  member_.value = trusted_value(skip_space(colon + 1, end_), end_);
  at_ = skip_space(member_.value.raw.data() + member_.value.raw.size(), end_);
  at_ = at_ == end_ ? at_ : skip_space(at_ + 1, end_);  // the comma
  return true;
}

ByteView JsonObject::Member::key(std::string& scratch) const {
  if (!key_has_escapes) {
    return raw_key;
  }
  scratch.clear();
  append_unescaped(scratch, raw_key);
  return scratch;
}

std::uint64_t JsonObject::Member::name_with_escapes() const {
  std::string scratch;
  return json_name(key(scratch));
}

JsonObject& JsonObject::operator=(const JsonObject& other) noexcept {
  std::uninitialized_copy_n(other.storage_.members.data(), other.count_, storage_.members.data());
  count_ = other.count_;
  return *this;
}

const JsonValue* JsonObject::find(ByteView key) const {
  std::string scratch;
  for (const Member& member : *this) {
    if (member.key(scratch) == key) {
      return &member.value;
    }
  }
  return nullptr;
}

void append_json_string(std::string& out, ByteView utf8) {
  const std::size_t size_before = out.size();
  if (append_quoted(out, utf8) && !simdjson::validate_utf8(utf8.data(), utf8.size())) {
    out.resize(size_before);
    append_quoted(out, repaired_utf8(utf8));
  }
}

}  // namespace wspush
