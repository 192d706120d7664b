#include "http/grammar.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace wspush::http {
namespace {

std::vector<std::string> elements(std::string_view list) {
  std::vector<std::string> found;
  for_each_list_element(list, [&](std::string_view element) { found.emplace_back(element); });
  return found;
}

using Strings = std::vector<std::string>;

TEST(Grammar, ComparesWithoutCaseInAsciiOnly) {
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_TRUE(equals_ignoring_case("WebSocket", "websocket"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("ab", "a"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("\xc9", "\xe9"));
}

TEST(Grammar, TrimsBlanksAtBothEnds) {
  EXPECT_EQ(trim_blanks(" \t a b \t"), "a b");
  EXPECT_EQ(trim_blanks(" \t "), "");
  EXPECT_EQ(trim_blanks("\ra"), "\ra");
}

TEST(Grammar, KnowsATokenByItsBytes) {
  EXPECT_TRUE(is_token("permessage-deflate"));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
  EXPECT_FALSE(is_token("a,"));
}

TEST(Grammar, SplitsAListAndSkipsEmptyElements) {
  EXPECT_EQ(elements("a, b ,\tc"), (Strings{"a", "b", "c"}));
  EXPECT_EQ(elements(",, a,,"), (Strings{"a"}));
  EXPECT_EQ(elements(""), Strings{});
  EXPECT_EQ(elements(" ,\t, "), Strings{});
}

TEST(Grammar, DoesNotSplitWithinQuotes) {
  EXPECT_EQ(elements(R"(a="x,y", b)"), (Strings{R"(a="x,y")", "b"}));
  EXPECT_EQ(elements(R"(a="x\",y", b)"), (Strings{R"(a="x\",y")", "b"}));
  EXPECT_EQ(elements(R"(a="x, b)"), (Strings{R"(a="x, b)"}));
  EXPECT_EQ(elements("a=\"x\\"), (Strings{"a=\"x\\"}));
}

}  // namespace
}  // namespace wspush::http
