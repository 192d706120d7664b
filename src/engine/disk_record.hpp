#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/engine/engine.hpp"
#include "wspush/hub/message.hpp"

// What the disk engine's store holds: keys that sort as they are read, and the bytes behind them.
//
//   't' name            -> TopicRecord        where a topic stands
//   'l' log   offset    -> MessageRecord      a kept message; one log for each epoch of a topic
//   'i' log   offset    -> KnownPublish       that the message there had an idempotency key
//   'c' place           -> name               topics that were freed, in the order of it
//   'r' 'u' user        -> Revocation         of a user's tokens: before, until
//   'r' 'j' jti         -> Revocation         of one token
//   'm'                 -> StoreRecord        the counters of the store
//
// Numbers in keys are big-endian, so that they sort; those in records little-endian. The store
// guards its blocks with checksums of its own: these codecs only refuse what was never written.
// Pure; any thread. A change of any of them is another `kDiskFormat`; a letter that is new is not,
// for who does not know it does not look there.
namespace wspush::engine {

inline constexpr int kDiskFormat = 1;

struct TopicRecord {
  std::uint64_t log = 0;        ///< 0: none, no message is kept
  std::uint64_t first = 0;      ///< of the log: what is older has been removed
  std::uint64_t last = 0;       ///< at least; a newer message in the log moves it on
  std::uint64_t closed_at = 0;  ///< its place among the freed topics; 0: in use
  std::uint32_t epoch = 0;
  std::uint32_t losses = 0;  ///< StoreRecord::losses when `epoch` was drawn

  friend bool operator==(const TopicRecord&, const TopicRecord&) = default;
};

struct StoreRecord {
  std::uint64_t next_log = 1;
  std::uint64_t next_closed = 1;
  std::uint64_t first_closed = 1;  ///< no freed topic has a lower place
  std::uint64_t remembered = 0;    ///< freed topics
  /// Secret of the epochs of topics that have no record.
  std::uint64_t secret0 = 0;
  std::uint64_t secret1 = 0;
  /// Times that what was acknowledged may have been lost (a power cut): older epochs are over.
  std::uint32_t losses = 0;
  std::uint32_t forgotten = 0;  ///< records that had to go

  friend bool operator==(const StoreRecord&, const StoreRecord&) = default;
};

/// `payload` and `key` are borrowed: from the message, or from the bytes that were decoded.
struct MessageRecord {
  hub::PayloadKind kind{};
  std::int64_t published_us = 0;  ///< Unix time
  ByteView payload;
  ByteView key;
};

/// Of a message.
struct LogPlace {
  std::uint64_t log = 0;
  std::uint64_t offset = 0;
};

std::string encode(const TopicRecord& record);
std::string encode(const StoreRecord& record);
/// The two times; who it is about is in the key.
std::string encode(const Revocation& revocation);
std::string encode(const KnownPublish& publish);
/// Into `out`, whose memory is used again.
void encode_into(std::string& out, const MessageRecord& record);

/// Nothing but exactly what `encode` writes is a record.
std::optional<TopicRecord> decode_topic(ByteView bytes);
std::optional<StoreRecord> decode_store(ByteView bytes);
std::optional<MessageRecord> decode_message(ByteView bytes);
std::optional<KnownPublish> decode_known_publish(ByteView bytes);

inline constexpr ByteView kStoreKey = "m";
std::string topic_key(ByteView name);
std::string message_key(std::uint64_t log, std::uint64_t offset);
std::string known_publish_key(LogPlace place);
std::string closed_key(std::uint64_t place);
/// With neither user nor token: the beginning of all of them.
std::string revocation_key(const Revocation& revocation);
/// Behind every key that begins with the letter of `key`.
std::string end_of_kind(ByteView key);

std::optional<Revocation> decode_revocation(ByteView key, ByteView bytes);
/// Whom it is about, of a key that is one.
Revocation revocation_in_key(ByteView key);

std::optional<ByteView> name_in_topic_key(ByteView key);
std::optional<std::uint64_t> offset_in_message_key(ByteView key);
std::optional<LogPlace> place_in_known_publish_key(ByteView key);
std::optional<std::uint64_t> place_in_closed_key(ByteView key);

}  // namespace wspush::engine
