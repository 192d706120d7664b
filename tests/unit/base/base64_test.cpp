#include "base/base64.hpp"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush {
namespace {

TEST(Base64, EncodesTheExamplesOfTheRfc) {  // RFC 4648 §10
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64_encode("foo"), "Zm9v");
  EXPECT_EQ(base64_encode("foob"), "Zm9vYg==");
  EXPECT_EQ(base64_encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
}

TEST(Base64, UsesTheTwoAlphabets) {
  EXPECT_EQ(base64_encode("\xFB\xFF\xFE"), "+//+");
  EXPECT_EQ(base64url_encode("\xFB\xFF\xFE"), "-__-");
  EXPECT_EQ(base64url_encode("f"), "Zg");
  EXPECT_EQ(base64_decode("+//+"), "\xFB\xFF\xFE");
  EXPECT_EQ(base64url_decode("-__-"), "\xFB\xFF\xFE");
  EXPECT_EQ(base64_decode("-__-"), std::nullopt);
  EXPECT_EQ(base64url_decode("+//+"), std::nullopt);
}

TEST(Base64, AppendsBehindWhatIsThere) {
  std::string out = "data:";
  append_base64(out, "foobar");
  EXPECT_EQ(out, "data:Zm9vYmFy");
}

TEST(Base64, DecodesWhatItEncodedForEveryLength) {
  SplitMix64 random{1};
  for (std::size_t bytes = 0; bytes < 100; ++bytes) {
    std::string original;
    for (std::size_t i = 0; i < bytes; ++i) {
      original += static_cast<char>(random.below(256));
    }
    const std::string text = base64_encode(original);
    EXPECT_EQ(text.size(), base64_chars(bytes));
    EXPECT_EQ(base64_decode(text), original);
    EXPECT_EQ(base64url_decode(base64url_encode(original)), original);
  }
}

TEST(Base64, RefusesWrongPadding) {
  for (const char* text : {"Zg", "Zg=", "Zm8", "Z===", "====", "=",
                           "==", "Zm9v=", "Zm9v====", "Zg==Zg==", "Z=g=", "Zm=v"}) {
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
  }
  for (const char* text : {"Zg==", "Zm8=", "Z", "Zm9vY"}) {
    EXPECT_EQ(base64url_decode(text), std::nullopt) << text;
  }
}

TEST(Base64, RefusesEveryCharacterOutsideOfTheAlphabet) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int value = 0; value < 256; ++value) {
    const char character = static_cast<char>(value);
    const std::string text = {'A', character, 'A', 'A'};
    const bool is_digit = alphabet.find(character) != std::string::npos;
    EXPECT_EQ(base64_decode(text).has_value(), is_digit) << value;
  }
}

// RFC 4648 §3.5: else "Zg==" and "Zh==" would be two spellings of one value.
TEST(Base64, RefusesUnusedBitsThatAreNotZero) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t value = 0; value < 64; ++value) {
    const std::string two = {'A', alphabet[value]};
    const std::string three = {'A', 'A', alphabet[value]};
    EXPECT_EQ(base64_decode(two + "==").has_value(), value % 16 == 0) << two;
    EXPECT_EQ(base64_decode(three + "=").has_value(), value % 4 == 0) << three;
  }
  EXPECT_EQ(base64url_decode("Zh"), std::nullopt);
}

}  // namespace
}  // namespace wspush
