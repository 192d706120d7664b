#include "engine/disk_record.hpp"

#include <bit>
#include <concepts>
#include <cstring>

namespace wspush::engine {
namespace {

constexpr std::size_t kTopicBytes = 40;
constexpr std::size_t kStoreBytes = 56;
constexpr std::size_t kRevocationBytes = 16;
/// kind, bytes of the key, bytes of the payload, time.
constexpr std::size_t kMessageHeadBytes = 1 + 1 + 4 + 8;
constexpr std::size_t kMessageKeyBytes = 1 + 8 + 8;
/// id, time, bytes of the topic.
constexpr std::size_t kKnownPublishHeadBytes = 4 + 8 + 8 + 1;
constexpr std::size_t kClosedKeyBytes = 1 + 8;
constexpr char kUserLetter = 'u';
constexpr char kTokenLetter = 'j';

template <std::unsigned_integral T>
void append(std::string& out, T number) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>(number >> (8 * i)));
  }
}

/// `bytes` has as many as are taken.
template <std::unsigned_integral T>
T take(ByteView& bytes) {
  T number = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    number |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8 * i));
  }
  bytes.remove_prefix(sizeof(T));
  return number;
}

std::uint64_t bits_of(WallTime time) {
  return std::bit_cast<std::uint64_t>(std::int64_t{time.time_since_epoch().count()});
}

WallTime time_of(std::uint64_t bits) {
  return WallTime(std::chrono::milliseconds(std::bit_cast<std::int64_t>(bits)));
}

void append_sorted(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(number >> static_cast<unsigned>(shift)));
  }
}

std::string place_in_log(char letter, LogPlace place) {
  std::string key;
  key.reserve(kMessageKeyBytes);
  key.push_back(letter);
  append_sorted(key, place.log);
  append_sorted(key, place.offset);
  return key;
}

std::uint64_t sorted_at(ByteView bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    number = number << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return number;
}

}  // namespace

std::string encode(const TopicRecord& record) {
  std::string out;
  out.reserve(kTopicBytes);
  append(out, record.log);
  append(out, record.first);
  append(out, record.last);
  append(out, record.closed_at);
  append(out, record.epoch);
  append(out, record.losses);
  return out;
}

std::optional<TopicRecord> decode_topic(ByteView bytes) {
  if (bytes.size() != kTopicBytes) {
    return std::nullopt;
  }
  TopicRecord record;
  record.log = take<std::uint64_t>(bytes);
  record.first = take<std::uint64_t>(bytes);
  record.last = take<std::uint64_t>(bytes);
  record.closed_at = take<std::uint64_t>(bytes);
  record.epoch = take<std::uint32_t>(bytes);
  record.losses = take<std::uint32_t>(bytes);
  return record;
}

std::string encode(const StoreRecord& record) {
  std::string out;
  out.reserve(kStoreBytes);
  append(out, record.next_log);
  append(out, record.next_closed);
  append(out, record.first_closed);
  append(out, record.remembered);
  append(out, record.secret0);
  append(out, record.secret1);
  append(out, record.losses);
  append(out, record.forgotten);
  return out;
}

std::optional<StoreRecord> decode_store(ByteView bytes) {
  if (bytes.size() != kStoreBytes) {
    return std::nullopt;
  }
  StoreRecord record;
  record.next_log = take<std::uint64_t>(bytes);
  record.next_closed = take<std::uint64_t>(bytes);
  record.first_closed = take<std::uint64_t>(bytes);
  record.remembered = take<std::uint64_t>(bytes);
  record.secret0 = take<std::uint64_t>(bytes);
  record.secret1 = take<std::uint64_t>(bytes);
  record.losses = take<std::uint32_t>(bytes);
  record.forgotten = take<std::uint32_t>(bytes);
  return record;
}

std::string encode(const Revocation& revocation) {
  std::string out;
  append(out, bits_of(revocation.before));
  append(out, bits_of(revocation.until));
  return out;
}

std::optional<Revocation> decode_revocation(ByteView key, ByteView bytes) {
  const bool is_key =
      key.size() > 2 && key[0] == 'r' && (key[1] == kUserLetter || key[1] == kTokenLetter);
  if (!is_key || bytes.size() != kRevocationBytes) {
    return std::nullopt;
  }
  Revocation revocation = revocation_in_key(key);
  revocation.before = time_of(take<std::uint64_t>(bytes));
  revocation.until = time_of(take<std::uint64_t>(bytes));
  return revocation;
}

std::string encode(const KnownPublish& publish) {
  std::string out;
  out.reserve(kKnownPublishHeadBytes + publish.topic.size() + publish.idempotency_key.size());
  append(out, publish.id.epoch);
  append(out, publish.id.offset);
  append(out, bits_of(publish.published));
  append(out, static_cast<std::uint8_t>(publish.topic.size()));
  out.append(publish.topic).append(publish.idempotency_key);
  return out;
}

std::optional<KnownPublish> decode_known_publish(ByteView bytes) {
  if (bytes.size() < kKnownPublishHeadBytes) {
    return std::nullopt;
  }
  KnownPublish publish;
  publish.id.epoch = take<std::uint32_t>(bytes);
  publish.id.offset = take<std::uint64_t>(bytes);
  publish.published = time_of(take<std::uint64_t>(bytes));
  const std::size_t topic_bytes = take<std::uint8_t>(bytes);
  if (topic_bytes == 0 || bytes.size() <= topic_bytes) {
    return std::nullopt;
  }
  publish.topic = bytes.substr(0, topic_bytes);
  publish.idempotency_key = bytes.substr(topic_bytes);
  return publish;
}

void encode_into(std::string& out, const MessageRecord& record) {
  out.clear();
  out.reserve(kMessageHeadBytes + record.key.size() + record.payload.size());
  append(out, static_cast<std::uint8_t>(record.kind));
  append(out, static_cast<std::uint8_t>(record.key.size()));
  append(out, static_cast<std::uint32_t>(record.payload.size()));
  append(out, std::bit_cast<std::uint64_t>(record.published_us));
  out.append(record.key).append(record.payload);
}

std::optional<MessageRecord> decode_message(ByteView bytes) {
  if (bytes.size() < kMessageHeadBytes) {
    return std::nullopt;
  }
  const auto kind = take<std::uint8_t>(bytes);
  const std::size_t key_bytes = take<std::uint8_t>(bytes);
  const std::size_t payload_bytes = take<std::uint32_t>(bytes);
  const auto published = take<std::uint64_t>(bytes);
  if (kind > static_cast<std::uint8_t>(hub::PayloadKind::kBinary) ||
      bytes.size() != key_bytes + payload_bytes) {
    return std::nullopt;
  }
  return MessageRecord{.kind = static_cast<hub::PayloadKind>(kind),
                       .published_us = std::bit_cast<std::int64_t>(published),
                       .payload = bytes.substr(key_bytes),
                       .key = bytes.substr(0, key_bytes)};
}

std::string topic_key(ByteView name) {
  std::string key;
  key.reserve(1 + name.size());
  key.push_back('t');
  key.append(name);
  return key;
}

std::string message_key(std::uint64_t log, std::uint64_t offset) {
  return place_in_log('l', {log, offset});
}

std::string known_publish_key(LogPlace place) {
  return place_in_log('i', place);
}

std::string closed_key(std::uint64_t place) {
  std::string key(1, 'c');
  append_sorted(key, place);
  return key;
}

std::string revocation_key(const Revocation& revocation) {
  std::string key(1, 'r');
  if (!revocation.user.empty()) {
    key.push_back(kUserLetter);
    key.append(revocation.user);
  } else if (!revocation.token_id.empty()) {
    key.push_back(kTokenLetter);
    key.append(revocation.token_id);
  }
  return key;
}

Revocation revocation_in_key(ByteView key) {
  Revocation revocation;
  (key[1] == kUserLetter ? revocation.user : revocation.token_id) = key.substr(2);
  return revocation;
}

std::string end_of_kind(ByteView key) {
  return std::string(1, static_cast<char>(key.front() + 1));
}

std::optional<ByteView> name_in_topic_key(ByteView key) {
  return key.size() > 1 && key[0] == 't' ? std::optional(key.substr(1)) : std::nullopt;
}

std::optional<std::uint64_t> offset_in_message_key(ByteView key) {
  return key.size() == kMessageKeyBytes && key[0] == 'l' ? std::optional(sorted_at(key, 9))
                                                         : std::nullopt;
}

std::optional<LogPlace> place_in_known_publish_key(ByteView key) {
  return key.size() == kMessageKeyBytes && key[0] == 'i'
             ? std::optional(LogPlace{.log = sorted_at(key, 1), .offset = sorted_at(key, 9)})
             : std::nullopt;
}

std::optional<std::uint64_t> place_in_closed_key(ByteView key) {
  return key.size() == kClosedKeyBytes && key[0] == 'c' ? std::optional(sorted_at(key, 1))
                                                        : std::nullopt;
}

}  // namespace wspush::engine
