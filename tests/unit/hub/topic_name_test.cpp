#include "wspush/hub/topic_name.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush::hub {
namespace {

using Segments = std::vector<std::string>;

Segments split(const std::string& name) {
  Segments segments(1);
  for (const char c : name) {
    if (c == '.') {
      segments.emplace_back();
    } else {
      segments.back().push_back(c);
    }
  }
  return segments;
}

bool matches_slowly(const Segments& pattern, const Segments& topic, std::size_t p = 0,
                    std::size_t t = 0) {
  if (p == pattern.size()) {
    return t == topic.size();
  }
  if (pattern[p] == ">") {
    return t < topic.size();
  }
  return t < topic.size() &&
         (pattern[p] == "*" || pattern[p] == "{user}" || pattern[p] == topic[t]) &&
         matches_slowly(pattern, topic, p + 1, t + 1);
}

TEST(TopicName, AcceptsPrintableUtf8InSegments) {
  for (const char* name : {"a", "news", "sports.football.live", "a-b_c:d@e!$%&'()+,;=~[]{}|^`\"\\<",
                           "Grüße.日本.🎉", "{user}", "a.{user}.b"}) {
    EXPECT_TRUE(is_topic(name)) << name;
    EXPECT_TRUE(is_pattern(name)) << name;
    EXPECT_FALSE(has_wildcard(name)) << name;
  }
}

TEST(TopicName, RefusesWhatIsNoTopic) {
  for (const char* name : {"",
                           ".",
                           "a.",
                           ".a",
                           "a..b",
                           "a b",
                           " a",
                           "a\t",
                           "a\n",
                           "a\x7f",
                           "a/b",
                           "/",
                           "a?b",
                           "a#b",
                           "*",
                           "a.*",
                           "a*",
                           ">",
                           "a.>",
                           "a>b",
                           "\xff",
                           "a\xc3",
                           "\xed\xa0\x80",
                           "\xc0\xae",
                           "a\xc2\x80",
                           "a\xc2\xa0"
                           "b",
                           "a\xe2\x80\x8b",
                           "\xef\xbb\xbf"
                           "a",
                           "a\xe2\x80\xa8",
                           "a\xe3\x80\x80",
                           "\xef\xbf\xbf"}) {
    EXPECT_FALSE(is_topic(name)) << name;
  }
  EXPECT_FALSE(is_topic(ByteView("a\0b", 3)));
  EXPECT_FALSE(is_pattern(ByteView("a\0b", 3)));
}

TEST(TopicName, IsBoundedInBytes) {
  EXPECT_TRUE(is_topic(std::string(255, 'a')));
  EXPECT_FALSE(is_topic(std::string(256, 'a')));
  EXPECT_TRUE(is_topic("abc", 3));
  EXPECT_FALSE(is_topic("abcd", 3));
  EXPECT_FALSE(is_topic("\xe6\x97\xa5\xe6\x97\xa5", 5));
  EXPECT_TRUE(is_topic("\xe6\x97\xa5\xe6\x97\xa5", 6));
}

TEST(TopicName, APatternHasWildcardsInWholeSegments) {
  for (const char* name : {"*", ">", "*.*", "a.*.b", "a.>", "*.>", "*.a"}) {
    EXPECT_TRUE(is_pattern(name)) << name;
    EXPECT_FALSE(is_topic(name)) << name;
    EXPECT_TRUE(has_wildcard(name)) << name;
  }
  for (const char* name : {"**", "a*", "*a", "a.b*", ">.a", ">>", "a>", ">a", "*.>.a", "*>", ">*",
                           "a.", "*.", ".*", "a..*"}) {
    EXPECT_FALSE(is_pattern(name)) << name;
  }
}

TEST(TopicName, PatternsMatchAsInTheTable) {
  const struct {
    const char* pattern;
    const char* topic;
    bool fits;
  } kRows[] = {
      {"a", "a", true},
      {"a", "b", false},
      {"a", "a.b", false},
      {"a.b", "a", false},
      {"*", "a", true},
      {"*", "a.b", false},
      {"a.*", "a.b", true},
      {"a.*", "a", false},
      {"a.*", "a.b.c", false},
      {"*.b", "a.b", true},
      {">", "a", true},
      {">", "a.b.c", true},
      {"a.>", "a", false},
      {"a.>", "a.b", true},
      {"a.>", "a.b.c", true},
      {"a.>", "ab.c", false},
      {"user.{user}", "user.7", true},
      {"user.{user}", "user.7.x", false},
      {"A", "a", false},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(pattern_matches(row.pattern, row.topic), row.fits) << row.pattern << " " << row.topic;
  }
}

TEST(TopicName, MatchesLikeASlowMatcher) {
  SplitMix64 random(11);
  const auto make = [&](bool is_pattern_wanted) {
    std::string name;
    for (std::uint64_t left = 1 + random.below(4); left > 0; --left) {
      const std::uint64_t kind = random.below(is_pattern_wanted ? 6 : 3);
      if (kind == 5 && left == 1) {
        name += ">";
      } else {
        name += kind < 3    ? std::string(1 + random.below(2), static_cast<char>('a' + kind))
                : kind == 4 ? "{user}"
                            : "*";
      }
      name += left > 1 ? "." : "";
    }
    return name;
  };
  int fits = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::string pattern = make(true);
    const std::string topic = make(false);
    ASSERT_TRUE(is_pattern(pattern)) << pattern;
    ASSERT_TRUE(is_topic(topic)) << topic;
    const bool expected = matches_slowly(split(pattern), split(topic));
    ASSERT_EQ(pattern_matches(pattern, topic), expected) << pattern << " " << topic;
    fits += expected ? 1 : 0;
  }
  EXPECT_GT(fits, 1000);
}

TEST(TopicName, APatternCoversAnother) {
  const struct {
    const char* wide;
    const char* narrow;
    bool covers;
    bool overlap;
  } kRows[] = {
      {"a", "a", true, true},           {"a", "b", false, false},
      {"a", "*", false, true},          {"*", "a", true, true},
      {"*", "*", true, true},           {"*", ">", false, true},
      {"*", "a.b", false, false},       {">", "*", true, true},
      {">", ">", true, true},           {">", "a.*.>", true, true},
      {"a.>", "a", false, false},       {"a.>", "a.*", true, true},
      {"a.>", "a.b", true, true},       {"a.>", "a.>", true, true},
      {"a.>", "a.*.>", true, true},     {"a.>", ">", false, true},
      {"a.*", "a.>", false, true},      {"a.*", "a.*.>", false, false},
      {"*.b", "a.*", false, true},      {"*.b", "a.c", false, false},
      {"*.>", "*", false, false},       {"*.>", "a.>", true, true},
      {"*.>", ">", false, true},        {"a.*.c", "a.b.>", false, true},
      {"a.*.c", "a.b.d", false, false}, {"u.{user}", "u.x", false, false},
      {"u.{user}", "u.*", false, true},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(pattern_covers(row.wide, row.narrow), row.covers) << row.wide << " " << row.narrow;
    EXPECT_EQ(patterns_overlap(row.wide, row.narrow), row.overlap) << row.wide << " " << row.narrow;
    EXPECT_EQ(patterns_overlap(row.narrow, row.wide), row.overlap) << row.wide << " " << row.narrow;
  }
}

// Over an alphabet of three names, one of which no pattern has, and topics one segment longer than
// any pattern: then what holds for these topics holds for all.
TEST(TopicName, CoversAndOverlapsAsTheTopicsThemselves) {
  const std::vector<std::string> names = {"a", "b", "other"};
  std::vector<std::string> topics = names;
  for (std::size_t begin = 0, length = 1; length < 4; ++length) {
    const std::size_t end = topics.size();
    for (; begin < end; ++begin) {
      for (const std::string& name : names) {
        topics.push_back(topics[begin] + "." + name);
      }
    }
  }
  std::vector<std::string> patterns;
  const std::vector<std::string> segments = {"a", "b", "*"};
  for (const std::string& first : segments) {
    patterns.push_back(first);
    patterns.push_back(first + ".>");
    for (const std::string& second : segments) {
      patterns.push_back(first + "." + second);
      patterns.push_back(first + "." + second + ".>");
      for (const std::string& third : segments) {
        patterns.push_back(first + "." + second + "." + third);
      }
    }
  }
  patterns.emplace_back(">");
  for (const std::string& wide : patterns) {
    for (const std::string& narrow : patterns) {
      bool covers = true;
      bool overlap = false;
      for (const std::string& topic : topics) {
        const bool is_in_wide = pattern_matches(wide, topic);
        const bool is_in_narrow = pattern_matches(narrow, topic);
        covers = covers && (is_in_wide || !is_in_narrow);
        overlap = overlap || (is_in_wide && is_in_narrow);
      }
      ASSERT_EQ(pattern_covers(wide, narrow), covers) << wide << " " << narrow;
      ASSERT_EQ(patterns_overlap(wide, narrow), overlap) << wide << " " << narrow;
    }
  }
}

}  // namespace
}  // namespace wspush::hub
