#include "wspush/hub/feed.hpp"

#include <algorithm>

#include "wspush/hub/topic_name.hpp"

#include "base/base64.hpp"

// A position on the wire: `p`, then in base64url without padding
//   epoch        4 bytes, least significant first
//   counts       one varint a home: 7 bits a byte, least significant first, high bit: more follows
//   check        2 bytes of a hash of all before, so that other texts are not taken for positions
namespace wspush::hub {
namespace {

constexpr std::size_t kEpochBytes = 4;
constexpr std::size_t kCheckBytes = 2;
constexpr std::size_t kHomesMax = 1024;
constexpr int kCountBits = 63;

/// FNV-1a, folded. No secret: it is against mistakes, and a forged position harms only its owner.
std::uint32_t check_of(ByteView bytes) {
  std::uint32_t hash = 0x811c9dc5;
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
  }
  return (hash >> 16) ^ (hash & 0xffff);
}

void append_little_endian(std::string& out, std::uint32_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  }
}

std::uint32_t little_endian(ByteView bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return value;
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  }
  out.push_back(static_cast<char>(value));
}

/// Takes one varint off `bytes`; only the shortest spelling is one.
std::optional<std::uint64_t> take_varint(ByteView& bytes) {
  std::uint64_t value = 0;
  for (int bits = 0; bits < kCountBits && !bytes.empty(); bits += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << bits;
    if (byte < 0x80) {
      return byte == 0 && bits > 0 ? std::nullopt : std::optional(value);
    }
  }
  return std::nullopt;
}

}  // namespace

std::string feed_name(std::span<const std::string> filters) {
  std::vector<ByteView> sorted(filters.begin(), filters.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::string name;
  for (const ByteView filter : sorted) {
    if (!name.empty()) {
      name.push_back(kFilterSeparator);
    }
    name.append(filter);
  }
  return name;
}

bool is_feed(ByteView name) {
  return has_wildcard(name) || name.find(kFilterSeparator) != ByteView::npos;
}

std::vector<ByteView> filters_of(ByteView name) {
  std::vector<ByteView> filters;
  for_each_filter(name, [&](ByteView filter) { filters.push_back(filter); });
  return filters;
}

ByteView FeedEntry::pattern() const {
  return feed->find(kFilterSeparator) == std::string::npos ? ByteView(*feed) : ByteView();
}

std::string to_string(const FeedPosition& position) {
  std::string bytes;
  bytes.reserve(kEpochBytes + kCheckBytes + 5 * position.counts.size());
  append_little_endian(bytes, position.epoch, kEpochBytes);
  for (const std::uint64_t count : position.counts) {
    append_varint(bytes, count);
  }
  append_little_endian(bytes, check_of(bytes), kCheckBytes);
  return "p" + base64url_encode(bytes);
}

std::optional<FeedPosition> parse_feed_position(ByteView text) {
  if (!text.starts_with('p') || text.size() > 1 + base64_chars(kHomesMax * 9)) {
    return std::nullopt;
  }
  const auto bytes = base64url_decode(text.substr(1));
  if (!bytes || bytes->size() <= kEpochBytes + kCheckBytes) {
    return std::nullopt;
  }
  ByteView rest = *bytes;
  if (little_endian(rest.substr(rest.size() - kCheckBytes)) !=
      check_of(rest.substr(0, rest.size() - kCheckBytes))) {
    return std::nullopt;
  }
  rest.remove_suffix(kCheckBytes);
  FeedPosition position{.epoch = little_endian(rest.substr(0, kEpochBytes)), .counts = {}};
  rest.remove_prefix(kEpochBytes);
  while (!rest.empty()) {
    const auto count = take_varint(rest);
    if (!count || position.counts.size() == kHomesMax) {
      return std::nullopt;
    }
    position.counts.push_back(*count);
  }
  return position;
}

}  // namespace wspush::hub
