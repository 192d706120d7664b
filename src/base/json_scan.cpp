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

/// As skip_space(), in the loops here: a call for each token of a small object would cost as much
/// as the token.
inline const char* skip_space_here(const char* at, const char* end) {
  while (at != end && static_cast<unsigned char>(*at) <= ' ' && is(*at, kSpace)) {
    ++at;
  }
  return at;
}

#ifdef __SSE2__
constexpr std::ptrdiff_t kBlock = 16;

/// Bit i: byte i cannot stand in a string as it is.
inline unsigned special_in(__m128i bytes) {
  const __m128i found =
      _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))),
                   _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes));
  return static_cast<unsigned>(_mm_movemask_epi8(found));
}

inline __m128i load(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
#endif

/// As find_special(), without a look at what else is in the string. `begin` is the text's: where
/// fewer than a block are left, the last block of the text has them.
inline const char* find_special_here(const char* begin, const char* at, const char* end) {
#ifdef __SSE2__
  for (; end - at >= kBlock; at += kBlock) {
    if (const unsigned mask = special_in(load(at)); mask != 0) {
      return at + std::countr_zero(mask);
    }
  }
  if (end - begin >= kBlock) {
    const unsigned mask = special_in(load(end - kBlock)) >> (kBlock - (end - at));
    return mask != 0 ? at + std::countr_zero(mask) : end;
  }
#endif
  while (at != end && !is(*at, kSpecial)) {
    ++at;
  }
  return at;
}

constexpr std::array<JsonType, 256> kTypeOf = [] {
  std::array<JsonType, 256> table{};
  table.fill(JsonType::kNumber);
  table['{'] = JsonType::kObject;
  table['['] = JsonType::kArray;
  table['"'] = JsonType::kString;
  table['t'] = table['f'] = JsonType::kBoolean;
  table['n'] = JsonType::kNull;
  return table;
}();

JsonType type_of(char first) {
  return kTypeOf[static_cast<unsigned char>(first)];
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
  explicit StrictScanner(ByteView text)
      : at(text.data()), begin_(text.data()), end_(text.data() + text.size()) {}

  const char* at;
  const char* error = nullptr;

  bool is_at_end() const { return at == end_; }
  bool fail(const char* text) {
    error = text;
    return false;
  }
  void skip() { at = skip_space_here(at, end_); }

  bool read_string(bool& has_escapes) {
    ++at;
    for (;;) {
      at = find_special_here(begin_, at, end_);
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

  /// A value that stands `depth` levels deep. `has_escapes`: a string with some, itself.
  bool read_value(std::size_t depth, bool& has_escapes) {
    if (at == end_) {
      return fail("a value is missing");
    }
    return *at == '"'                 ? read_string(has_escapes)
           : *at == '{' || *at == '[' ? read_container(depth)
                                      : read_scalar();
  }

  /// The object that begins here, the outermost, whose members are kept. What most texts are: so
  /// its own loop, without the levels of read_container().
  bool read_object(JsonObject& members) {
    ++at;
    skip();
    if (at != end_ && *at == '}') {
      ++at;
      return true;
    }
    JsonObject::Member member;
    for (;;) {
      if (!read_key(member.raw_key, member.key_has_escapes)) {
        return false;
      }
      const char* const begin = at;
      bool has_escapes = false;
      if (!read_value(1, has_escapes)) {
        return false;
      }
      member.value = {type_of(*begin), ByteView(begin, static_cast<std::size_t>(at - begin)),
                      has_escapes};
      members.add(member);
      skip();
      if (at == end_ || (*at != ',' && *at != '}')) {
        return fail("a comma or } is missing");
      }
      if (*at++ == '}') {
        return true;
      }
      skip();
    }
  }

 private:
  /// A key and its colon, and the white space before the value.
  bool read_key(ByteView& key, bool& has_escapes) {
    if (at == end_ || *at != '"') {
      return fail("a key is missing");
    }
    const char* const begin = at + 1;
    has_escapes = false;
    if (!read_string(has_escapes)) {
      return false;
    }
    key = ByteView(begin, static_cast<std::size_t>(at - 1 - begin));
    skip();
    if (at == end_ || *at != ':') {
      return fail("a colon is missing");
    }
    ++at;
    skip();
    return true;
  }

  bool read_scalar() {
    const char first = *at;
    if (first == '-' || is(first, kDigit)) {
      return read_number();
    }
    if (first == 't' || first == 'f' || first == 'n') {
      return read_literal(first == 't' ? "true" : first == 'f' ? "false" : "null");
    }
    return fail("a value is missing");
  }

  /// An array or object `depth` levels deep, with all that is in it. No recursion.
  bool read_container(std::size_t depth) {
    const std::size_t outside = depth;
    std::uint32_t is_object = 0;  // bit d: the container that stands d levels deep is an object
    static_assert(kJsonDepthMax <= 32);
    ByteView key;
    bool ignored = false;
    for (;;) {
      // A value begins here, white space skipped.
      if (at == end_) {
        return fail("a value is missing");
      }
      const char first = *at;
      bool is_open = false;  // a container with something inside
      if (first == '{' || first == '[') {
        if (depth == kJsonDepthMax) {
          return fail(kTooDeep);
        }
        is_object = first == '{' ? is_object | 1U << depth : is_object & ~(1U << depth);
        ++at;
        skip();
        is_open = at == end_ || *at != (first == '{' ? '}' : ']');
        depth += is_open ? 1 : 0;
        at += is_open ? 0 : 1;
      } else if (!(first == '"' ? read_string(ignored) : read_scalar())) {
        return false;
      }

      // It has ended, unless it opened a container: then the first element or key comes.
      while (!is_open) {
        if (depth == outside) {
          return true;
        }
        skip();
        const bool in_object = (is_object >> (depth - 1) & 1U) != 0;
        const char closing = in_object ? '}' : ']';
        if (at == end_ || (*at != ',' && *at != closing)) {
          return fail(in_object ? "a comma or } is missing" : "a comma or ] is missing");
        }
        is_open = *at == ',';
        depth -= is_open ? 0 : 1;
        ++at;
      }

      skip();
      if ((is_object >> (depth - 1) & 1U) != 0 && !read_key(key, ignored)) {
        return false;
      }
    }
  }

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

  const char* const begin_;
  const char* const end_;
};

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
  return skip_space_here(at, end);
}

const char* find_special(const char* at, const char* end, bool& has_non_ascii) noexcept {
#ifdef __SSE2__
  for (; end - at >= kBlock; at += kBlock) {
    const __m128i bytes = load(at);
    const unsigned mask = special_in(bytes);
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

bool has_non_ascii(ByteView text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  bool found = false;
#ifdef __SSE2__
  if (end - at >= kBlock) {
    __m128i all = load(end - kBlock);
    for (; end - at >= kBlock; at += kBlock) {
      all = _mm_or_si128(all, load(at));
    }
    return _mm_movemask_epi8(all) != 0;
  }
#endif
  for (; at != end; ++at) {
    found = found || static_cast<unsigned char>(*at) >= 0x80;
  }
  return found;
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

const char* scan_strict(ByteView text, JsonObject* members, const char*& error_at) noexcept {
  StrictScanner scanner(text);
  scanner.skip();
  bool is_good = false;
  bool ignored = false;
  if (members == nullptr || scanner.is_at_end()) {
    is_good = scanner.read_value(0, ignored);
  } else if (*scanner.at == '{') {
    is_good = scanner.read_object(*members);
  } else {
    scanner.fail("an object is expected");
  }
  if (is_good) {
    scanner.skip();
    is_good = scanner.is_at_end() || scanner.fail("something follows the value");
  }
  error_at = scanner.at;
  return is_good ? nullptr : scanner.error;
}

}  // namespace wspush::json_detail
