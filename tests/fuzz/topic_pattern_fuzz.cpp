#include <string>
#include <vector>

#include "wspush/hub/message_id.hpp"
#include "wspush/hub/topic_name.hpp"

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/http_oracle.hpp"
#include "unit/base/slow_utf8.hpp"

// Topics, patterns and message ids. The input: a topic, a line end, a pattern; each is also tried
// as an id.
namespace wspush::fuzz {
namespace {

/// One segment at a time, by trying what `>` may stand for.
bool plain_matches(const std::vector<std::string>& pattern, std::size_t p,
                   const std::vector<std::string>& topic, std::size_t t) {
  if (p == pattern.size() || t == topic.size()) {
    return p == pattern.size() && t == topic.size();
  }
  if (pattern[p] == ">") {
    return true;
  }
  const bool fits = pattern[p] == "*" || pattern[p] == "{user}" || pattern[p] == topic[t];
  return fits && plain_matches(pattern, p + 1, topic, t + 1);
}

/// What the grammar says of segments; which code points print is the implementation's table.
bool may_be_name(std::string_view name, bool is_pattern) {
  if (name.empty() || name.size() > hub::kTopicBytesMax || !slow_is_valid(name)) {
    return false;
  }
  const auto segments = plain_split(name, '.');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string& segment = segments[i];
    const bool is_wild = segment == "*" || (segment == ">" && i + 1 == segments.size());
    if (segment.empty() ||
        (!(is_pattern && is_wild) && segment.find_first_of("*>") != segment.npos)) {
      return false;
    }
    for (const char c : segment) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte <= 0x20 || byte == 0x7f || c == '/' || c == '?' || c == '#') {
        return false;
      }
    }
  }
  return true;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void check_name(ByteView name) {
  const bool is_topic = hub::is_topic(name);
  const bool is_pattern = hub::is_pattern(name);
  WSPUSH_CHECK(!is_topic || is_pattern);
  WSPUSH_CHECK(is_topic == (is_pattern && !hub::has_wildcard(name)));
  WSPUSH_CHECK(!is_topic || may_be_name(name, false));
  WSPUSH_CHECK(!is_pattern || may_be_name(name, true));
  if (is_ascii(name)) {
    WSPUSH_CHECK(is_topic == may_be_name(name, false));
    WSPUSH_CHECK(is_pattern == may_be_name(name, true));
  }
  if (is_topic) {
    WSPUSH_CHECK(hub::is_topic(name, name.size()) && !hub::is_topic(name, name.size() - 1));
    WSPUSH_CHECK(hub::pattern_matches(name, name) && hub::pattern_matches(">", name));
  }
}

void check_id(ByteView text) {
  const auto id = hub::parse_message_id(text);
  if (id) {
    WSPUSH_CHECK(hub::to_string(*id) == text && text.size() <= 29);
    return;
  }
  // Read as the numbers of an id, it is one that comes back.
  std::uint64_t number = 0;
  for (const char c : text) {
    number = number << 8U | static_cast<unsigned char>(c);
  }
  const hub::MessageId made{static_cast<std::uint32_t>(number * 2654435761U), number};
  WSPUSH_CHECK(hub::parse_message_id(hub::to_string(made)) == made);
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 1'000) {
    return;
  }
  Draw draw(input);
  const ByteView topic = draw.until('\n');
  const ByteView pattern = draw.rest();
  for (const ByteView name : {topic, pattern}) {
    check_name(name);
    check_id(name);
  }
  if (hub::is_topic(topic) && hub::is_pattern(pattern)) {
    WSPUSH_CHECK(hub::pattern_matches(pattern, topic) ==
                 plain_matches(plain_split(pattern, '.'), 0, plain_split(topic, '.'), 0));
  } else {
    hub::pattern_matches(pattern, topic);  // Of anything: an answer, no more.
  }
}

}  // namespace wspush::fuzz
