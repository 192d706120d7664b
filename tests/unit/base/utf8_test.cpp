#include "base/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

#include "unit/base/slow_utf8.hpp"

namespace wspush {
namespace {

std::vector<SimdLevel> supported_levels() {
  std::vector<SimdLevel> levels;
  for (const SimdLevel level : {SimdLevel::kPlain, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (is_supported(level)) {
      levels.push_back(level);
    }
  }
  return levels;
}

/// One of each class of bytes that some rule tells from its neighbours.
constexpr std::string_view kTellingBytes =
    "\x41\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5"
    "\xF8\xFF";

/// Random text of whole code points of all lengths.
std::string random_text(Random& random, std::size_t bytes_min) {
  std::string text;
  while (text.size() < bytes_min) {
    switch (random.below(8)) {
      case 0:
        text += "é";
        break;
      case 1:
        text += "\xED\x9F\xBF";  // U+D7FF
        break;
      case 2:
        text += "\xE0\xA0\x80";  // U+0800
        break;
      case 3:
        text += "\xF4\x8F\xBF\xBF";  // U+10FFFF
        break;
      case 4:
        text += "\xF0\x90\x80\x80";  // U+10000
        break;
      case 5:
        text += std::string(random.below(70), 'a');
        break;
      default:
        text += "\xEF\xBF\xBF";  // U+FFFF
        break;
    }
  }
  return text;
}

TEST(Utf8, AgreesWithTheOracleOnEverySequenceOfUpToThreeBytes) {
  for (unsigned a = 0; a < 256; ++a) {
    char text[3] = {static_cast<char>(a)};
    ASSERT_EQ(is_valid_utf8({text, 1}), slow_is_valid({text, 1})) << a;
    for (unsigned b = 0; b < 256; ++b) {
      text[1] = static_cast<char>(b);
      ASSERT_EQ(is_valid_utf8({text, 2}), slow_is_valid({text, 2})) << a << ' ' << b;
      for (unsigned c = 0; c < 256 && a >= 0x80; ++c) {
        text[2] = static_cast<char>(c);
        ASSERT_EQ(is_valid_utf8({text, 3}), slow_is_valid({text, 3})) << a << ' ' << b << ' ' << c;
      }
    }
  }
}

// All first and second bytes; of the last two, one of each class.
TEST(Utf8, AgreesWithTheOracleOnFourBytes) {
  for (unsigned a = 0xC0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      for (const char c : kTellingBytes) {
        for (const char d : kTellingBytes) {
          const char text[4] = {static_cast<char>(a), static_cast<char>(b), c, d};
          ASSERT_EQ(is_valid_utf8({text, 4}), slow_is_valid({text, 4}));
        }
      }
    }
  }
}

// The same classes, where they cross the ends of words, vectors and pairs of vectors.
TEST(Utf8, EveryVariantAgreesWithTheOracleAcrossBlockBoundaries) {
  for (const SimdLevel level : supported_levels()) {
    std::string text(192, 'x');
    for (const std::size_t boundary : {32U, 64U, 128U}) {
      for (const std::size_t before : {0U, 1U, 2U, 3U, 4U}) {
        const std::size_t at = boundary - before;
        for (const char a : kTellingBytes) {
          for (const char b : kTellingBytes) {
            for (const char c : kTellingBytes) {
              for (const char d : kTellingBytes) {
                text[at] = a;
                text[at + 1] = b;
                text[at + 2] = c;
                text[at + 3] = d;
                const std::string_view sequence = std::string_view(text).substr(at, 4);
                ASSERT_EQ(is_valid_utf8(text, level), slow_is_valid(sequence))
                    << "level " << static_cast<int>(level) << " at " << at << " "
                    << testing::PrintToString(sequence);
              }
            }
          }
        }
        std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), 4, 'x');
      }
    }
  }
}

// No ASCII around that would take the short way, and the end of the text right behind.
TEST(Utf8, EveryVariantAgreesWithTheOracleOnDamagedText) {
  SplitMix64 random{2};
  int invalid = 0;
  for (int round = 0; round < 60'000; ++round) {
    std::string text = random_text(random, random.below(300));
    const std::size_t faults = random.below(3);
    for (std::size_t i = 0; i < faults && !text.empty(); ++i) {
      const char byte = kTellingBytes[random.below(kTellingBytes.size())];
      text[random.below(text.size())] = byte;
    }
    text.resize(text.size() - std::min(text.size(), random.below(4)));
    const std::size_t skip = std::min(text.size(), random.below(64));  // any alignment
    const std::string_view part = std::string_view(text).substr(skip);
    const bool expected = slow_is_valid(part);
    invalid += expected ? 0 : 1;
    ASSERT_EQ(is_valid_utf8(part), expected) << testing::PrintToString(part);
    for (const SimdLevel level : supported_levels()) {
      ASSERT_EQ(is_valid_utf8(part, level), expected)
          << static_cast<int>(level) << testing::PrintToString(part);
    }
  }
  EXPECT_GT(invalid, 20'000);
  EXPECT_LT(invalid, 58'000);
}

TEST(Utf8, FindsATextThatEndsInsideACodePointAtEveryLength) {
  for (const std::string_view point : {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (std::size_t before = 0; before < 200; ++before) {
      for (std::size_t bytes = 1; bytes <= point.size(); ++bytes) {
        const std::string text = std::string(before, 'a') + std::string(point.substr(0, bytes));
        const bool is_whole = bytes == point.size();
        for (const SimdLevel level : supported_levels()) {
          ASSERT_EQ(is_valid_utf8(text, level), is_whole) << before << ' ' << bytes;
        }
      }
    }
  }
}

TEST(Utf8, ThePlainVariantAndTheBestAreSupported) {
  EXPECT_TRUE(is_supported(SimdLevel::kPlain));
  EXPECT_TRUE(is_supported(best_simd_level()));
}

TEST(Utf8Validator, FailsAtTheFirstByteThatNothingCouldMakeValid) {
  // RFC 3629 §4; Autobahn 6.4.x: the byte counts, not the end of the frame.
  for (const std::string_view bytes :
       {"\xF4\x90", "\xED\xA0", "\xC0", "\xC1", "\xE0\x9F", "\xF0\x8F", "\xF5", "\xFF", "\x80",
        "\xC3\x41", "\xE2\x82\x41", "\xF0\x9F\x98\x41"}) {
    Utf8Validator validator;
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
      EXPECT_TRUE(validator.feed(bytes.substr(i, 1)));
      EXPECT_FALSE(validator.is_complete());
    }
    EXPECT_FALSE(validator.feed(bytes.substr(bytes.size() - 1)));
    EXPECT_FALSE(validator.is_complete());
    EXPECT_FALSE(validator.feed("a")) << "a fault does not heal";
    EXPECT_FALSE(validator.feed(""));
    validator.reset();
    EXPECT_TRUE(validator.is_complete());
    EXPECT_TRUE(validator.feed("a"));
  }
}

TEST(Utf8Validator, SeesTheEndOfACodePoint) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.is_complete());
  EXPECT_TRUE(validator.feed(""));
  EXPECT_TRUE(validator.feed("a\xF0\x9F"));
  EXPECT_FALSE(validator.is_complete());
  EXPECT_TRUE(validator.feed("\x98"));
  EXPECT_FALSE(validator.is_complete());
  EXPECT_TRUE(validator.feed("\x80"));
  EXPECT_TRUE(validator.is_complete());
}

TEST(Utf8Validator, GivesOneAnswerForEverySplit) {
  SplitMix64 random{3};
  for (int round = 0; round < 400; ++round) {
    std::string text = random_text(random, 1 + random.below(80));
    if (round % 2 == 1) {
      text[random.below(text.size())] = kTellingBytes[random.below(kTellingBytes.size())];
    }
    for (std::size_t split = 0; split <= text.size(); ++split) {
      const std::string_view head = std::string_view(text).substr(0, split);
      Utf8Validator validator;
      const bool is_head_good = validator.feed(head);
      ASSERT_EQ(is_head_good, slow_can_become_valid(head)) << testing::PrintToString(head);
      ASSERT_EQ(validator.is_complete(), slow_is_valid(head));
      const bool is_good = validator.feed(std::string_view(text).substr(split));
      ASSERT_EQ(is_good, slow_can_become_valid(text)) << split << testing::PrintToString(text);
      ASSERT_EQ(validator.is_complete(), slow_is_valid(text));
    }
  }
}

TEST(Utf8Validator, TakesRandomPiecesLikeOneByteAtATime) {
  SplitMix64 random{4};
  for (int round = 0; round < 3000; ++round) {
    std::string text = random_text(random, random.below(600));
    if (round % 2 == 1 && !text.empty()) {
      text[random.below(text.size())] = kTellingBytes[random.below(kTellingBytes.size())];
    }
    Utf8Validator by_pieces;
    Utf8Validator by_bytes;
    bool is_good = true;
    for (std::size_t at = 0; at < text.size() && is_good;) {
      const std::size_t bytes = std::min(text.size() - at, random.below(150));
      const std::string_view piece = std::string_view(text).substr(at, bytes);
      bool is_piece_good = true;
      for (const char& byte : piece) {
        is_piece_good = by_bytes.feed({&byte, 1}) && is_piece_good;
      }
      is_good = by_pieces.feed(piece);
      ASSERT_EQ(is_good, is_piece_good);
      ASSERT_EQ(by_pieces.is_complete(), by_bytes.is_complete());
      at += bytes;
    }
  }
}

}  // namespace
}  // namespace wspush
