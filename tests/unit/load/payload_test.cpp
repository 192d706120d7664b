#include "load/payload.hpp"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace wspush::load {
namespace {

TEST(Payload, CarriesItsNumberAtEverySize) {
  for (const std::uint64_t sequence : {std::uint64_t{1}, std::uint64_t{255}, UINT64_MAX}) {
    for (const std::size_t bytes : {16U, 17U, 128U}) {
      const std::string payload = make_payload(sequence, bytes);
      EXPECT_EQ(payload.size(), bytes);
      EXPECT_EQ(sequence_of(payload), sequence);
      EXPECT_TRUE(is_intact(payload, sequence, bytes));
    }
  }
}

TEST(Payload, IsNotIntactWithAnyByteChanged) {
  const std::string good = make_payload(42, 40);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'z' ? 'y' : 'z';
    EXPECT_FALSE(is_intact(bad, 42, 40)) << i;
  }
  EXPECT_FALSE(is_intact(good, 43, 40));
  EXPECT_FALSE(is_intact(good.substr(0, 39), 42, 40));
}

TEST(Payload, MixedTextIsTextAndCheckedToTheByte) {
  const std::string good = make_payload(42, 1024, PayloadKind::kMixed);
  EXPECT_EQ(good.size(), 1024U);
  EXPECT_EQ(sequence_of(good), 42U);
  EXPECT_EQ(good.find_first_of("\"\\"), std::string::npos) << "fits into JSON as it is";
  EXPECT_TRUE(is_intact(good, 42, 1024, PayloadKind::kMixed));
  EXPECT_FALSE(is_intact(good, 42, 1024)) << "not the other filling";
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == '!' ? '?' : '!';
    EXPECT_FALSE(is_intact(bad, 42, 1024, PayloadKind::kMixed)) << i;
  }
}

TEST(Payload, OfEveryKindHasTheSizeAndIsCheckedToTheByte) {
  for (const PayloadKind kind : {PayloadKind::kNonAscii, PayloadKind::kRandom}) {
    for (const std::size_t bytes : {16U, 17U, 18U, 19U, 100U, 1000U}) {
      const std::string payload = make_payload(7, bytes, kind);
      EXPECT_EQ(payload.size(), bytes);
      EXPECT_EQ(sequence_of(payload), 7U);
      EXPECT_TRUE(is_intact(payload, 7, bytes, kind));
      EXPECT_FALSE(is_intact(payload, 8, bytes, kind));
    }
  }
}

TEST(Payload, NonAsciiIsWholeLetters) {
  // Walks over it by the lengths that the first bytes say.
  const std::string text = make_payload(3, 1000, PayloadKind::kNonAscii);
  std::size_t letters = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    for (std::size_t i = 1; i < length; ++i) {
      ASSERT_LT(at + i, text.size());
      ASSERT_EQ(static_cast<unsigned char>(text[at + i]) & 0xc0, 0x80);
    }
    letters += length > 1 ? 1 : 0;
    at += length;
  }
  EXPECT_GT(letters, 300U);
}

TEST(Payload, StandsInAnEntryOfThePublishApi) {
  std::string out;
  append_json_entry(out, "t", 1, 16, PayloadKind::kLetter);
  EXPECT_EQ(out, R"({"topic":"t","text":"0000000000000001"})");
}

TEST(Payload, HasNoNumberWhenItIsShortOrNotHex) {
  EXPECT_EQ(sequence_of("000000000000001"), std::nullopt);
  EXPECT_EQ(sequence_of("000000000000000g"), std::nullopt);
}

TEST(Payload, FindsAMemberAndNotItsNameInsideAnother) {
  const std::string_view object = R"({"op":"message","topic":"id","id" : "a-1","n":3})";
  EXPECT_EQ(find_json_string(object, "op"), "message");
  EXPECT_EQ(find_json_string(object, "id"), "a-1");
  EXPECT_EQ(find_json_string(object, "n"), std::nullopt);
  EXPECT_EQ(find_json_string(object, "data"), std::nullopt);
  EXPECT_EQ(find_json_string(R"({"id":"cut)", "id"), std::nullopt);
}

TEST(Payload, ReadsAMessageId) {
  const auto id = parse_message_id("0a1b2c3d-17");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->epoch, "0a1b2c3d");
  EXPECT_EQ(id->offset, 17U);
  for (const char* bad : {"", "-1", "a-", "a-1x", "a1"}) {
    EXPECT_FALSE(parse_message_id(bad)) << bad;
  }
}

}  // namespace
}  // namespace wspush::load
