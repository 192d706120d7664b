#include "websocket/masking.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush::websocket {
namespace {

constexpr MaskingKey kKey = {0x37, 0xFA, 0x21, 0x3D};

std::string random_bytes(Random& random, std::size_t bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes; ++i) {
    out += static_cast<char>(random.next());
  }
  return out;
}

std::string slowly_masked(std::string bytes, std::size_t from, std::size_t count, MaskingKey key,
                          std::size_t offset) {
  for (std::size_t i = 0; i < count; ++i) {
    bytes[from + i] =
        static_cast<char>(static_cast<unsigned char>(bytes[from + i]) ^ key[(offset + i) % 4]);
  }
  return bytes;
}

std::vector<SimdLevel> supported_levels() {
  std::vector<SimdLevel> levels;
  for (const SimdLevel level : {SimdLevel::kPlain, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (is_supported(level)) {
      levels.push_back(level);
    }
  }
  return levels;
}

TEST(Masking, UnmasksTheExampleOfTheRfc) {  // §5.7
  std::string hello = "\x7f\x9f\x4d\x51\x58";
  unmask(hello, kKey);
  EXPECT_EQ(hello, "Hello");
}

// Sizes around every word, vector and unrolled loop; the bytes beside the payload stay as they are.
TEST(Masking, EveryVariantAgreesWithTheSlowOneForAllSizesAlignmentsAndOffsets) {
  SplitMix64 random{1};
  const std::string original = random_bytes(random, 800);
  // From 512 bytes on the vectors between the first and the last are aligned.
  for (std::size_t size = 0; size <= 720; size += size < 420 || size == 511 ? 1 : 7) {
    for (std::size_t from = 0; from < 64; from += size < 80 ? 1 : 7) {
      for (std::size_t offset = 0; offset < 4; ++offset) {
        const std::string expected = slowly_masked(original, from, size, kKey, offset);
        std::string bytes = original;
        unmask(MutableBytes{bytes}.subspan(from, size), kKey, offset);
        ASSERT_EQ(bytes, expected) << size << ' ' << from << ' ' << offset;
        for (const SimdLevel level : supported_levels()) {
          bytes = original;
          unmask(MutableBytes{bytes}.subspan(from, size), kKey, offset, level);
          ASSERT_EQ(bytes, expected)
              << static_cast<int>(level) << ' ' << size << ' ' << from << ' ' << offset;
        }
      }
    }
  }
}

TEST(Masking, UnmasksLargePayloads) {
  SplitMix64 random{2};
  for (const std::size_t size : {4095U, 4096U, 65'537U, 1'000'003U}) {
    const std::string original = random_bytes(random, size);
    std::string bytes = original;
    unmask(bytes, kKey, 3);
    ASSERT_EQ(bytes, slowly_masked(original, 0, size, kKey, 3));
    unmask(bytes, kKey, 3);
    ASSERT_EQ(bytes, original) << "twice is never";
  }
}

TEST(Masking, UnmasksInPiecesByTheOffset) {
  SplitMix64 random{3};
  const std::string original = random_bytes(random, 300);
  const std::string expected = slowly_masked(original, 0, 300, kKey, 0);
  for (std::size_t split = 0; split <= 300; ++split) {
    std::string bytes = original;
    unmask(MutableBytes{bytes}.first(split), kKey);
    unmask(MutableBytes{bytes}.subspan(split), rotated(kKey, split));
    ASSERT_EQ(bytes, expected);
    bytes = original;
    unmask(MutableBytes{bytes}.first(split), kKey, 0);
    unmask(MutableBytes{bytes}.subspan(split), kKey, split);
    ASSERT_EQ(bytes, expected);
  }
}

TEST(UnmaskText, UnmasksAndValidatesTextOfAllSizes) {
  std::string text;
  while (text.size() < 40'000) {
    text += "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  }
  for (const std::size_t size : {0U, 1U, 7U, 100U, 8191U, 8192U, 8193U, 16'384U, 39'999U}) {
    const std::string original = text.substr(0, size);
    std::string bytes = slowly_masked(original, 0, size, kKey, 0);
    Utf8Validator validator;
    ASSERT_TRUE(unmask_text(bytes, kKey, validator));
    ASSERT_EQ(bytes, original);
    ASSERT_EQ(validator.is_complete(), is_valid_utf8(original));
  }
}

TEST(UnmaskText, FindsAFaultInEveryStep) {
  for (const std::size_t at : {0U, 1U, 8191U, 8192U, 20'000U, 29'999U}) {
    std::string text(30'000, 'a');
    text[at] = '\xFF';
    std::string bytes = slowly_masked(text, 0, text.size(), kKey, 0);
    Utf8Validator validator;
    EXPECT_FALSE(unmask_text(bytes, kKey, validator)) << at;
  }
}

}  // namespace
}  // namespace wspush::websocket
