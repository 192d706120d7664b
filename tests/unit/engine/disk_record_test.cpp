#include "engine/disk_record.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace wspush::engine {
namespace {

constexpr TopicRecord kTopic{.log = 0x0102030405060708,
                             .first = 9,
                             .last = 0xffffffffffffffff,
                             .closed_at = 3,
                             .epoch = 0xdeadbeef,
                             .losses = 7};
constexpr StoreRecord kStore{.next_log = 1,
                             .next_closed = 2,
                             .first_closed = 3,
                             .remembered = 4,
                             .secret0 = 0xffffffffffffffff,
                             .secret1 = 6,
                             .losses = 0xffffffff,
                             .forgotten = 8};

std::string encoded(const MessageRecord& record) {
  std::string out = "what was there before";
  encode_into(out, record);
  return out;
}

TEST(DiskRecord, GivesBackWhatWasWritten) {
  EXPECT_EQ(decode_topic(encode(kTopic)), kTopic);
  EXPECT_EQ(decode_store(encode(kStore)), kStore);
  const std::string payload("\0\xff{}", 4);
  for (const auto kind :
       {hub::PayloadKind::kJson, hub::PayloadKind::kText, hub::PayloadKind::kBinary}) {
    for (const std::string& key : {std::string(), std::string("k"), std::string(255, 'k')}) {
      const std::string bytes =
          encoded({.kind = kind, .published_us = -5, .payload = payload, .key = key});
      const auto record = decode_message(bytes);
      ASSERT_TRUE(record);
      EXPECT_EQ(record->kind, kind);
      EXPECT_EQ(record->published_us, -5);
      EXPECT_EQ(record->payload, payload);
      EXPECT_EQ(record->key, key);
    }
  }
}

TEST(DiskRecord, GivesBackARevocation) {
  const WallTime time{std::chrono::milliseconds(-1)};
  for (const Revocation& written :
       {Revocation{.user = "u\n", .token_id = {}, .before = time, .until = WallTime::max()},
        Revocation{.user = {}, .token_id = "j", .before = {}, .until = WallTime::min()}}) {
    const std::string bytes = encode(written);
    const auto read = decode_revocation(revocation_key(written), bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->user, written.user);
    EXPECT_EQ(read->token_id, written.token_id);
    EXPECT_EQ(read->before, written.before);
    EXPECT_EQ(read->until, written.until);
    for (const char* key : {"", "r", "ru", "rj", "rx1", "tu1"}) {
      EXPECT_FALSE(decode_revocation(key, bytes)) << key;
    }
    EXPECT_FALSE(decode_revocation("ru1", bytes + "x"));
    EXPECT_FALSE(decode_revocation("ru1", ByteView(bytes).substr(1)));
  }
}

TEST(DiskRecord, GivesBackAKnownPublish) {
  const KnownPublish written{.topic = std::string(255, 't'),
                             .idempotency_key = std::string("k\0", 2),
                             .id = {0x81234567, 1ULL << 60U},
                             .published = WallTime(std::chrono::milliseconds(-1))};
  const auto read = decode_known_publish(encode(written));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->topic, written.topic);
  EXPECT_EQ(read->idempotency_key, written.idempotency_key);
  EXPECT_EQ(read->id, written.id);
  EXPECT_EQ(read->published, written.published);
}

TEST(DiskRecord, RefusesAKnownPublishWithoutTopicOrKey) {
  const std::string bytes = encode(KnownPublish{.topic = "t", .idempotency_key = "k"});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_known_publish(ByteView(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_known_publish(encode(KnownPublish{.topic = {}, .idempotency_key = "k"})));
}

TEST(DiskRecord, KnowsThePlaceOfAKnownPublish) {
  const auto place = place_in_known_publish_key(known_publish_key({.log = 256, .offset = 7}));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->log, 256U);
  EXPECT_EQ(place->offset, 7U);
  EXPECT_FALSE(place_in_known_publish_key(message_key(256, 7)));
  EXPECT_FALSE(place_in_known_publish_key("i1234567"));
}

TEST(DiskRecord, RefusesEveryTruncationAndEveryByteTooMany) {
  const auto refuses_others = [](const std::string& bytes, const auto& decode) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode(ByteView(bytes).substr(0, size))) << size;
    }
    EXPECT_TRUE(decode(bytes));
    EXPECT_FALSE(decode(bytes + '\0'));
  };
  refuses_others(encode(kTopic), decode_topic);
  refuses_others(encode(kStore), decode_store);
  refuses_others(encoded({.payload = "payload", .key = "key"}), decode_message);
  refuses_others(encoded({.payload = {}, .key = {}}), decode_message);
}

TEST(DiskRecord, RefusesAKindThatIsNone) {
  std::string bytes = encoded({.payload = "1", .key = {}});
  bytes[0] = 3;
  EXPECT_FALSE(decode_message(bytes));
}

TEST(DiskRecord, RefusesLengthsThatAreNotThere) {
  std::string bytes = encoded({.payload = "1", .key = {}});
  std::fill(bytes.begin() + 1, bytes.begin() + 6, '\xff');
  EXPECT_FALSE(decode_message(bytes));
}

TEST(DiskRecord, SortsAsItIsRead) {
  const std::vector<std::string> sorted{closed_key(1),
                                        closed_key(255),
                                        closed_key(256),
                                        known_publish_key({1, 255}),
                                        known_publish_key({1, 256}),
                                        known_publish_key({2, 0}),
                                        message_key(1, 0),
                                        message_key(1, 255),
                                        message_key(1, 256),
                                        message_key(1, ~0ULL),
                                        message_key(2, 0),
                                        message_key(256, 1),
                                        std::string(kStoreKey),
                                        revocation_key({.user = {}, .token_id = "a"}),
                                        revocation_key({.user = "a", .token_id = {}}),
                                        topic_key("a"),
                                        topic_key("a.b"),
                                        topic_key("b")};
  EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
  for (const std::string& key : sorted) {
    EXPECT_LT(key, end_of_kind(key));
  }
  EXPECT_LE(end_of_kind(closed_key(1)), message_key(0, 0));
  EXPECT_LE(end_of_kind(message_key(0, 0)), kStoreKey);
}

TEST(DiskRecord, ReadsItsKeysAndNoOthers) {
  EXPECT_EQ(name_in_topic_key(topic_key("a.b")), "a.b");
  EXPECT_FALSE(name_in_topic_key("t"));
  EXPECT_FALSE(name_in_topic_key("ca"));
  EXPECT_EQ(offset_in_message_key(message_key(3, 0x0102030405060708)), 0x0102030405060708U);
  EXPECT_EQ(place_in_closed_key(closed_key(77)), 77U);
  for (const std::string& key : {message_key(1, 2), closed_key(3)}) {
    for (std::size_t size = 0; size < key.size(); ++size) {
      EXPECT_FALSE(offset_in_message_key(key.substr(0, size)));
      EXPECT_FALSE(place_in_closed_key(key.substr(0, size)));
    }
    EXPECT_FALSE(offset_in_message_key(key + 'x'));
    EXPECT_FALSE(place_in_closed_key(key + 'x'));
  }
}

}  // namespace
}  // namespace wspush::engine
