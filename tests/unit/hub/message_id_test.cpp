#include "wspush/hub/message_id.hpp"

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush::hub {
namespace {

TEST(MessageId, IsSpelledWithEightHexDigitsAndADecimalOffset) {
  EXPECT_EQ(to_string({0, 0}), "00000000-0");
  EXPECT_EQ(to_string({0x1a2b3c4d, 7}), "1a2b3c4d-7");
  EXPECT_EQ(to_string({0xffffffff, UINT64_MAX}), "ffffffff-18446744073709551615");
  std::string text = "id=";
  append_to(text, {1, 10});
  EXPECT_EQ(text, "id=00000001-10");
}

TEST(MessageId, ReadsWhatItWrites) {
  SplitMix64 random(3);
  for (int i = 0; i < 10'000; ++i) {
    const MessageId id{static_cast<std::uint32_t>(random.next()),
                       random.next() >> random.below(64)};
    EXPECT_EQ(parse_message_id(to_string(id)), id);
  }
}

TEST(MessageId, RefusesEveryOtherSpelling) {
  for (const char* text : {"",
                           "-",
                           "1a2b3c4d",
                           "1a2b3c4d-",
                           "1a2b3c4-7",
                           "1a2b3c4d5-7",
                           "1A2B3C4D-7",
                           "1a2b3c4g-7",
                           "1a2b3c4d-07",
                           "1a2b3c4d-00",
                           "1a2b3c4d-+7",
                           "1a2b3c4d--7",
                           "1a2b3c4d- 7",
                           "1a2b3c4d-7 ",
                           " 1a2b3c4d-7",
                           "1a2b3c4d-7a",
                           "1a2b3c4d-0x7",
                           "1a2b3c4d-7.0",
                           "1a2b3c4d_7",
                           "0x1a2b3c-7",
                           "+1a2b3c4-7",
                           "1a2b3c4d-18446744073709551616",
                           "1a2b3c4d-99999999999999999999999",
                           "first"}) {
    EXPECT_FALSE(parse_message_id(text)) << text;
  }
  EXPECT_FALSE(parse_message_id(std::string_view("1a2b3c4d-7\0", 11)));
  EXPECT_FALSE(parse_message_id(std::string_view("1a2b3c4d-\0", 10)));
}

TEST(MessageId, LooksAtNothingBehindItsText) {
  const std::string_view text = "1a2b3c4d-789";
  EXPECT_EQ(parse_message_id(text.substr(0, 10)), (MessageId{0x1a2b3c4d, 7}));
}

}  // namespace
}  // namespace wspush::hub
