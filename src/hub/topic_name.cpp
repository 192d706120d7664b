#include "wspush/hub/topic_name.hpp"

#include "base/utf8.hpp"

namespace wspush::hub {
namespace {

bool is_forbidden_ascii(unsigned char c) {
  return c <= 0x20 || c == 0x7f || c == '/' || c == '?' || c == '#';
}

/// Code points that print nothing and would make two topics look alike: controls, separators,
/// zero-width and direction marks, the byte order mark, noncharacters.
bool is_unprintable(char32_t c) {
  return (c >= 0x80 && c <= 0xa0) || c == 0xad || c == 0x1680 || (c >= 0x2000 && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x3000 ||
         c == 0xfeff || (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

/// `text` is valid UTF-8 and `at` the start of a code point; moves `at` behind it.
char32_t take_code_point(ByteView text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) {
    return lead;
  }
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  char32_t c = lead & (0x3fU >> more);
  for (int i = 0; i < more; ++i) {
    c = (c << 6) | (static_cast<unsigned char>(text[at++]) & 0x3fU);
  }
  return c;
}

enum class Wildcards { kRefused, kAllowed };

bool is_well_formed(ByteView name, std::size_t bytes_max, Wildcards wildcards) {
  if (name.empty() || name.size() > bytes_max || !is_valid_utf8(name)) {
    return false;
  }
  std::size_t segment_begin = 0;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t begin = at;
    const char32_t c = take_code_point(name, at);
    if (c == '.') {
      if (begin == segment_begin) {
        return false;
      }
      segment_begin = at;
    } else if (c == '*' || c == '>') {
      const bool is_whole_segment =
          begin == segment_begin && (at == name.size() || (c == '*' && name[at] == '.'));
      if (wildcards == Wildcards::kRefused || !is_whole_segment) {
        return false;
      }
    } else if (c < 0x80 ? is_forbidden_ascii(static_cast<unsigned char>(c)) : is_unprintable(c)) {
      return false;
    }
  }
  return segment_begin < name.size();
}

/// Cuts the first segment off `rest`.
ByteView take_segment(ByteView& rest) {
  const std::size_t dot = rest.find('.');
  const ByteView segment = rest.substr(0, dot);
  rest = dot == ByteView::npos ? ByteView() : rest.substr(dot + 1);
  return segment;
}

}  // namespace

bool is_topic(ByteView name, std::size_t bytes_max) {
  return is_well_formed(name, bytes_max, Wildcards::kRefused);
}

bool is_pattern(ByteView name, std::size_t bytes_max) {
  return is_well_formed(name, bytes_max, Wildcards::kAllowed);
}

bool has_wildcard(ByteView name) {
  return name.find_first_of("*>") != ByteView::npos;
}

bool pattern_matches(ByteView pattern, ByteView topic) {
  while (!pattern.empty() && !topic.empty()) {
    const ByteView wanted = take_segment(pattern);
    if (wanted == ">") {
      return true;
    }
    const ByteView segment = take_segment(topic);
    if (wanted != "*" && wanted != "{user}" && wanted != segment) {
      return false;
    }
  }
  return pattern.empty() && topic.empty();
}

bool pattern_covers(ByteView wide, ByteView narrow) {
  while (!wide.empty() && !narrow.empty()) {
    const ByteView wanted = take_segment(wide);
    if (wanted == ">") {
      return true;
    }
    const ByteView segment = take_segment(narrow);
    // A `>` is longer than what one segment of `wide` could cover, a `*` more than a name.
    if (segment == ">" || (wanted != "*" && wanted != segment)) {
      return false;
    }
  }
  return wide.empty() && narrow.empty();
}

bool patterns_overlap(ByteView a, ByteView b) {
  while (!a.empty() && !b.empty()) {
    const ByteView of_a = take_segment(a);
    const ByteView of_b = take_segment(b);
    if (of_a == ">" || of_b == ">") {
      return true;  // The other one has a segment at least, and that is enough.
    }
    if (of_a != "*" && of_b != "*" && of_a != of_b) {
      return false;
    }
  }
  return a.empty() && b.empty();
}

}  // namespace wspush::hub
