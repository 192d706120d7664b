#include "wspush/hub/presence.hpp"

#include <charconv>

namespace wspush::hub {
namespace {

constexpr char kStreamMark = '\x01';  // Neither a topic nor a feed begins with it.
constexpr char kCursorMark = 'm';

}  // namespace

std::string presence_stream_of(ByteView topic) {
  std::string name(1, kStreamMark);
  name.append(topic);
  return name;
}

bool is_presence_stream(ByteView name) {
  return !name.empty() && name.front() == kStreamMark;
}

ByteView topic_of_stream(ByteView stream) {
  return stream.substr(1);
}

std::string to_members_cursor(std::uint32_t from) {
  return kCursorMark + std::to_string(from);
}

std::optional<std::uint32_t> parse_members_cursor(ByteView text) {
  if (text.size() < 2 || text.front() != kCursorMark || (text[1] == '0' && text.size() > 2)) {
    return std::nullopt;
  }
  std::uint32_t from = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 1, end, from);
  return stop == end && error == std::errc{} ? std::optional(from) : std::nullopt;
}

}  // namespace wspush::hub
