#include "config/units.hpp"

#include <gtest/gtest.h>

namespace wspush::config {
namespace {

using std::chrono::milliseconds;

TEST(Units, ReadsDurations) {
  const std::pair<const char*, long long> cases[] = {
      {"0", 0},
      {"0s", 0},
      {"0ms", 0},
      {"250ms", 250},
      {"50s", 50'000},
      {"5m", 300'000},
      {"2h", 7'200'000},
      {"8760h", 31'536'000'000},
      {"9223372036854775807ms", 9223372036854775807},
  };
  for (const auto& [text, expected] : cases) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration) << text;
    EXPECT_EQ(duration->count(), expected) << text;
  }
}

TEST(Units, RefusesDurationsThatAreNone) {
  for (const char* text : {"",
                           "s",
                           "50",
                           "1",
                           "-1s",
                           "+1s",
                           " 1s",
                           "1s ",
                           "1 s",
                           "1.5s",
                           "1e3s",
                           "1S",
                           "1sec",
                           "1d",
                           "1m30s",
                           "0x10s",
                           "9223372036854775808ms",
                           "9223372036854776s",
                           "18446744073709551616s",
                           "s1",
                           "1s1"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Units, SaysWhatADurationLacks) {
  EXPECT_EQ(parse_duration("50").error().hint, "with a unit: ms, s, m or h");
  EXPECT_EQ(parse_duration("1.5s").error().hint, "without a fraction: 1500ms, not 1.5s");
  EXPECT_EQ(parse_duration("5d").error().hint, "");
}

TEST(Units, ReadsSizes) {
  const std::pair<const char*, std::uint64_t> cases[] = {
      {"0", 0},
      {"512", 512},
      {"16KiB", 16384},
      {"1MiB", 1048576},
      {"1GiB", 1073741824},
      {"18446744073709551615", 18446744073709551615ULL},
      {"17179869183GiB", 17179869183ULL << 30},
  };
  for (const auto& [text, expected] : cases) {
    const auto size = parse_size(text);
    ASSERT_TRUE(size) << text;
    EXPECT_EQ(*size, expected) << text;
  }
}

TEST(Units, RefusesSizesThatAreNone) {
  for (const char* text : {"", "KiB", "1MB", "1M", "1K", "1kb", "1kib", "1B", "1.5MiB", "-1",
                           "1 MiB", "1TiB", "18446744073709551616", "17179869184GiB", "0x10"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Units, SaysWhichSizeMayBeMeant) {
  EXPECT_EQ(parse_size("1KB").error().hint, "write KiB, which is 1024 bytes");
  EXPECT_EQ(parse_size("1MB").error().hint, "write MiB, which is 1024KiB");
  EXPECT_EQ(parse_size("1g").error().hint, "write GiB, which is 1024MiB");
  EXPECT_EQ(parse_size("1x").error().hint, "");
}

TEST(Units, ReadsCounts) {
  EXPECT_EQ(*parse_count("0"), 0U);
  EXPECT_EQ(*parse_count("65536"), 65536U);
  EXPECT_EQ(*parse_count("18446744073709551615"), 18446744073709551615ULL);
  for (const char* text : {"", "-1", "+1", "1.0", "1e3", "0x1F", "1_000", "1 ", "01", "00",
                           "18446744073709551616", "one"}) {
    EXPECT_FALSE(parse_count(text)) << text;
  }
  EXPECT_EQ(parse_count("0123").error().hint, "without leading zeros");
}

TEST(Units, FormatsWithTheLargestUnitThatDivides) {
  EXPECT_EQ(format_duration(milliseconds(0)), "0ms");
  EXPECT_EQ(format_duration(milliseconds(1500)), "1500ms");
  EXPECT_EQ(format_duration(milliseconds(50'000)), "50s");
  EXPECT_EQ(format_duration(milliseconds(60'000)), "60s");
  EXPECT_EQ(format_duration(milliseconds(300'000)), "5m");
  EXPECT_EQ(format_duration(milliseconds(86'400'000)), "24h");
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(1000), "1000");
  EXPECT_EQ(format_size(1536), "1536");
  EXPECT_EQ(format_size(16384), "16KiB");
  EXPECT_EQ(format_size(1ULL << 40), "1024GiB");
}

TEST(Units, WhatIsFormattedReadsBackTheSame) {
  for (long long i = 0; i < 100'000; i += 7) {
    EXPECT_EQ(parse_duration(format_duration(milliseconds(i * 500)))->count(), i * 500);
    EXPECT_EQ(*parse_size(format_size(static_cast<std::uint64_t>(i) * 512)),
              static_cast<std::uint64_t>(i) * 512);
  }
}

}  // namespace
}  // namespace wspush::config
