#include "payload.hpp"

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
  const std::string good = make_payload(42, 1024, PayloadText::kMixed);
  EXPECT_EQ(good.size(), 1024U);
  EXPECT_EQ(sequence_of(good), 42U);
  EXPECT_EQ(good.find_first_of("\"\\"), std::string::npos) << "fits into JSON as it is";
  EXPECT_TRUE(is_intact(good, 42, 1024, PayloadText::kMixed));
  EXPECT_FALSE(is_intact(good, 42, 1024)) << "not the other filling";
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == '!' ? '?' : '!';
    EXPECT_FALSE(is_intact(bad, 42, 1024, PayloadText::kMixed)) << i;
  }
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
