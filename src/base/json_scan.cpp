#include "base/json_scan.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace wspush::json_detail {
namespace {

enum : std::uint8_t {
  kSpace = 1,    // between tokens
  kSpecial = 2,  // not as it is in a string
  kBracket = 4,  // what a walk over a checked container looks at, beside the quote
  kDigit = 8,
};

constexpr std::array<std::uint8_t, 256> kClass = [] {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&](char c, std::uint8_t bit) {
    std::uint8_t& bits = table[static_cast<unsigned char>(c)];
    bits = static_cast<std::uint8_t>(bits | bit);
  };
  for (char c : {' ', '\t', '\n', '\r'}) {
    mark(c, kSpace);
  }
  for (char c = 0; c < 0x20; ++c) {
    mark(c, kSpecial);
  }
  mark('"', kSpecial);
  mark('\\', kSpecial);
  for (char c : {'"', '[', ']', '{', '}'}) {
    mark(c, kBracket);
  }
  for (char c = '0'; c <= '9'; ++c) {
    mark(c, kDigit);
  }
  return table;
}();

bool is(char c, std::uint8_t bits) {
  return (kClass[static_cast<unsigned char>(c)] & bits) != 0;
}

/// The value of four hex digits at `at`, or a number above 0xffff.
std::uint32_t hex4(const char* at, const char* end) {
  if (end - at < 4) {
    return 0x10000;
  }
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = at[i];
    std::uint32_t digit;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint32_t>(c - '0');
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      digit = static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
    } else {
      return 0x10000;
    }
    value = value << 4 | digit;
  }
  return value;
}

/// Reads a text that nobody has looked at. Each `read_` starts at the token's first byte and, when
/// true, leaves `at` behind its last; when false, `fail` has noted what and where.
class StrictScanner {
 public:
  StrictScanner(ByteView text) : at(text.data()), end_(text.data() + text.size()) {}

  const char* at;
  const char* error = nullptr;
  bool has_non_ascii = false;

  bool is_at_end() const { return at == end_; }
  bool fail(const char* text) {
    error = text;
    return false;
  }
  void skip() { at = skip_space(at, end_); }

  bool read_string(bool& has_escapes) {
    ++at;
    for (;;) {
      at = find_special(at, end_, has_non_ascii);
      if (at == end_) {
        return fail("the string does not end");
      }
      if (*at == '"') {
        ++at;
        return true;
      }
      if (*at != '\\') {
        return fail("control character in a string");
      }
      has_escapes = true;
      if (!read_escape()) {
        return false;
      }
    }
  }

  bool read_number() {
    at += *at == '-' ? 1 : 0;
    if (at == end_ || !is(*at, kDigit)) {
      return fail("a digit must come here");
    }
    if (*at == '0') {
      ++at;
      if (at != end_ && is(*at, kDigit)) {
        return fail("number with a leading zero");
      }
    } else {
      skip_digits();
    }
    if (at != end_ && *at == '.') {
      ++at;
      if (!read_digits()) {
        return false;
      }
    }
    if (at != end_ && (*at | 0x20) == 'e') {
      ++at;
      at += at != end_ && (*at == '+' || *at == '-') ? 1 : 0;
      return read_digits();
    }
    return true;
  }

  bool read_literal(ByteView word) {
    for (char c : word) {
      if (at == end_ || *at != c) {
        return fail("unknown word");
      }
      ++at;
    }
    return true;
  }

 private:
  void skip_digits() {
    while (at != end_ && is(*at, kDigit)) {
      ++at;
    }
  }
  bool read_digits() {
    if (at == end_ || !is(*at, kDigit)) {
      return fail("a digit must come here");
    }
    skip_digits();
    return true;
  }

  bool read_escape() {
    if (end_ - at < 2) {
      at = end_;
      return fail("the string does not end");
    }
    if (at[1] != 'u') {
      if (std::strchr("\"\\/bfnrt", at[1]) == nullptr || at[1] == '\0') {
        return fail("unknown escape in a string");
      }
      at += 2;
      return true;
    }
    const std::uint32_t unit = hex4(at + 2, end_);
    if (unit > 0xffff) {
      return fail("\\u without four hex digits");
    }
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const bool has_low = unit < 0xdc00 && end_ - at >= 12 && at[6] == '\\' && at[7] == 'u';
      const std::uint32_t low = has_low ? hex4(at + 8, end_) : 0;
      if (low < 0xdc00 || low > 0xdfff) {
        return fail("lone surrogate");
      }
      at += 6;
    }
    at += 6;
    return true;
  }

  const char* const end_;
};

JsonType type_of(char first) {
  switch (first) {
    case '{':
      return JsonType::kObject;
    case '[':
      return JsonType::kArray;
    case '"':
      return JsonType::kString;
    case 't':
    case 'f':
      return JsonType::kBoolean;
    case 'n':
      return JsonType::kNull;
    default:
      return JsonType::kNumber;
  }
}

/// Behind the string that begins at `at`.
const char* skip_string(const char* at, const char* end) {
  bool ignored = false;
  ++at;
  while (at < end && *(at = find_special(at, end, ignored)) != '"') {
    at += 2;  // a backslash, and what it escapes
  }
  return at + 1;
}

/// The next bracket, brace or quote.
const char* find_bracket(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i open = _mm_set1_epi8('{');
  const __m128i close = _mm_set1_epi8('}');
  const __m128i fold = _mm_set1_epi8(0x20);  // '[' and '{' differ in this bit, ']' and '}' too
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i folded = _mm_or_si128(bytes, fold);
    const __m128i found =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quote),
                     _mm_or_si128(_mm_cmpeq_epi8(folded, open), _mm_cmpeq_epi8(folded, close)));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(found));
    if (mask != 0) {
      return at + std::countr_zero(mask);
    }
  }
#endif
  while (at != end && !is(*at, kBracket)) {
    ++at;
  }
  return at;
}

}  // namespace

const char* skip_space(const char* at, const char* end) noexcept {
  while (at != end && is(*at, kSpace)) {
    ++at;
  }
  return at;
}

const char* find_special(const char* at, const char* end, bool& has_non_ascii) noexcept {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1f);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i found =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(found));
    const auto high = static_cast<unsigned>(_mm_movemask_epi8(bytes));
    if (mask != 0) {
      const int length = std::countr_zero(mask);
      has_non_ascii |= (high & ((1U << length) - 1)) != 0;
      return at + length;
    }
    has_non_ascii |= high != 0;
  }
#endif
  for (; at != end && !is(*at, kSpecial); ++at) {
    has_non_ascii |= static_cast<unsigned char>(*at) >= 0x80;
  }
  return at;
}

JsonValue trusted_value(const char* at, const char* end) noexcept {
  const char* const begin = at;
  const JsonType type = type_of(*at);
  switch (type) {
    case JsonType::kString:
      at = skip_string(at, end);
      break;
    case JsonType::kArray:
    case JsonType::kObject: {
      std::size_t depth = 0;
      do {
        at = find_bracket(at, end);
        if (*at == '"') {
          at = skip_string(at, end);
          continue;
        }
        depth += (*at | 0x20) == '{' ? std::size_t{1} : ~std::size_t{0};
        ++at;
      } while (depth != 0);
      break;
    }
    case JsonType::kNull:
    case JsonType::kBoolean:
    case JsonType::kNumber:
      while (at != end && !is(*at, kSpace | kBracket) && *at != ',') {
        ++at;
      }
      break;
  }
  return {type, ByteView(begin, static_cast<std::size_t>(at - begin))};
}

const char* scan_strict(ByteView text, JsonObject* members, bool& has_non_ascii,
                        const char*& error_at) noexcept {
  StrictScanner scanner(text);
  const auto failed = [&] {
    error_at = scanner.at;
    return scanner.error;
  };
  const auto fails = [&](const char* why) {
    error_at = scanner.at;
    return why;
  };

  std::uint32_t is_object = 0;  // bit d-1: the container at depth d is an object
  static_assert(kJsonDepthMax <= 32);
  std::size_t depth = 0;
  JsonObject::Member member;
  const char* value_begin = nullptr;

  scanner.skip();
  if (members != nullptr && !scanner.is_at_end() && *scanner.at != '{') {
    return fails("an object is expected");
  }
  for (;;) {
    // A value begins here, white space skipped.
    if (scanner.is_at_end()) {
      return fails("a value is missing");
    }
    const char first = *scanner.at;
    if (depth == 1) {
      value_begin = scanner.at;
    }
    bool is_open = false;  // a container with something inside
    if (first == '{' || first == '[') {
      if (depth == kJsonDepthMax) {
        return fails(kTooDeep);
      }
      is_object = first == '{' ? is_object | 1U << depth : is_object & ~(1U << depth);
      ++depth;
      ++scanner.at;
      scanner.skip();
      if (scanner.is_at_end() || *scanner.at != (first == '{' ? '}' : ']')) {
        is_open = true;
      } else {
        --depth;
        ++scanner.at;
      }
    } else if (first == '"') {
      bool ignored = false;
      if (!scanner.read_string(ignored)) {
        return failed();
      }
    } else if (first == '-' || is(first, kDigit)) {
      if (!scanner.read_number()) {
        return failed();
      }
    } else if (first == 't' || first == 'f' || first == 'n') {
      if (!scanner.read_literal(first == 't' ? "true" : first == 'f' ? "false" : "null")) {
        return failed();
      }
    } else {
      return fails("a value is missing");
    }

    // It has ended, unless it opened a container: then the first element or key comes.
    while (!is_open) {
      if (depth == 1 && members != nullptr) {
        member.value = {type_of(*value_begin),
                        ByteView(value_begin, static_cast<std::size_t>(scanner.at - value_begin))};
        members->add(member);
      }
      scanner.skip();
      if (depth == 0) {
        has_non_ascii = scanner.has_non_ascii;
        return scanner.is_at_end() ? nullptr : fails("something follows the value");
      }
      const bool in_object = (is_object >> (depth - 1) & 1U) != 0;
      const char closing = in_object ? '}' : ']';
      if (scanner.is_at_end() || (*scanner.at != ',' && *scanner.at != closing)) {
        return fails(in_object ? "a comma or } is missing" : "a comma or ] is missing");
      }
      is_open = *scanner.at == ',';
      depth -= is_open ? 0 : 1;
      ++scanner.at;
    }

    scanner.skip();
    if ((is_object >> (depth - 1) & 1U) != 0) {
      if (scanner.is_at_end() || *scanner.at != '"') {
        return fails("a key is missing");
      }
      const char* const key_begin = scanner.at + 1;
      bool has_escapes = false;
      if (!scanner.read_string(has_escapes)) {
        return failed();
      }
      if (depth == 1) {
        member.raw_key = ByteView(key_begin, static_cast<std::size_t>(scanner.at - 1 - key_begin));
        member.key_has_escapes = has_escapes;
      }
      scanner.skip();
      if (scanner.is_at_end() || *scanner.at != ':') {
        return fails("a colon is missing");
      }
      ++scanner.at;
      scanner.skip();
    }
  }
}

}  // namespace wspush::json_detail
