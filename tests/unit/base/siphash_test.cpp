#include "base/siphash.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush {
namespace {

/// Little-endian bytes as published vectors print them.
std::string hex(std::uint64_t value) {
  std::string text;
  for (int i = 0; i < 8; ++i) {
    text += "0123456789ABCDEF"[value >> (8 * i + 4) & 15];
    text += "0123456789ABCDEF"[value >> (8 * i) & 15];
  }
  return text;
}

// The key 00 01 .. 0f of the paper's appendix A, inputs 00 01 02 ..; values of OpenSSL 3.0's
// SIPHASH.
TEST(SipHash, GivesThePublishedValues) {
  const SipKey key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  struct Case {
    std::size_t size;
    const char* siphash13;
    const char* siphash24;
  };
  for (const Case& c : {Case{0, "DCC40F055801ACAB", "310E0EDD47DB6F72"},
                        {1, "93CA577DF39BF4C9", "FD67DC93C539F874"},
                        {7, "4011B19B987D92D3", "37D1018BF50002AB"},
                        {8, "8E9A298D11959036", "6224939A79F5F593"},
                        {15, "5699512A6DD820D3", "E545BE4961CA29A1"},
                        {16, "668B907D1ADD4FCC", "DB9BC2577FCC2A3F"},
                        {63, "A8B3BBB76290199D", "724506EB4C328A95"}}) {
    std::string input;
    for (std::size_t i = 0; i < c.size; ++i) {
      input.push_back(static_cast<char>(i));
    }
    EXPECT_EQ(hex(siphash13(key, input)), c.siphash13) << c.size;
    EXPECT_EQ(hex(siphash<2, 4>(key, input)), c.siphash24) << c.size;
  }
}

TEST(SipHash, DependsOnBothHalvesOfTheKey) {
  EXPECT_NE(siphash13({1, 2}, "topic"), siphash13({1, 3}, "topic"));
  EXPECT_NE(siphash13({1, 2}, "topic"), siphash13({2, 2}, "topic"));
  SplitMix64 random(1);
  const SipKey first = SipKey::from(random);
  EXPECT_NE(first.k0, first.k1);
}

}  // namespace
}  // namespace wspush
