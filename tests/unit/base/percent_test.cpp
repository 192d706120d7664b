#include "base/percent.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush {
namespace {

TEST(Percent, DecodesEscapesInEitherCaseAndLeavesTheRest) {
  EXPECT_EQ(percent_decode(""), "");
  EXPECT_EQ(percent_decode("plain.text~-_"), "plain.text~-_");
  EXPECT_EQ(percent_decode("a%20b"), "a b");
  EXPECT_EQ(percent_decode("%c3%A9"), "\xc3\xa9");
  EXPECT_EQ(percent_decode("%2F%2f"), "//");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
}

TEST(Percent, DecodesOnceOnly) {
  EXPECT_EQ(percent_decode("%2541"), "%41");
}

TEST(Percent, TakesAPlusAsASpaceOnlyWhereAsked) {
  EXPECT_EQ(percent_decode("a+b%2Bc"), "a+b+c");
  EXPECT_EQ(percent_decode("a+b%2Bc", PlusSign::kSpace), "a b+c");
}

TEST(Percent, RefusesAnEscapeThatIsNotTwoHexDigits) {
  for (const char* text : {"%", "a%", "%4", "%4g", "%g4", "%%41", "% 41", "%+1", "%-1", "ok%41%"}) {
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
  }
}

TEST(Percent, DecodesExactlyTheHexDigits) {
  constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    const bool is_digit = kDigits.find(byte) != std::string_view::npos;
    EXPECT_EQ(percent_decode(std::string("%4") + byte).has_value(), is_digit) << value;
    EXPECT_EQ(percent_decode(std::string("%") + byte + "4").has_value(), is_digit) << value;
    EXPECT_EQ(hex_digit_value(byte) >= 0, is_digit) << value;
  }
}

TEST(Percent, ComesBackFromEncodingForEveryByte) {
  std::string every;
  for (int value = 0; value < 256; ++value) {
    every.push_back(static_cast<char>(value));
  }
  const std::string encoded = percent_encode(every);
  EXPECT_EQ(percent_decode(encoded), every);
  EXPECT_EQ(percent_decode(encoded, PlusSign::kSpace), every);
  EXPECT_EQ(encoded.find_first_of(" /?#&=+;\"<>"), std::string::npos);
}

TEST(Percent, EncodesAllButTheUnreserved) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a b/\xc3\xa9+"), "a%20b%2F%C3%A9%2B");
}

}  // namespace
}  // namespace wspush
