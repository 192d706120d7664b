#include "cli/ndjson_lines.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(NdjsonLines, WithATopicWrapsEachLine) {
  NdjsonLines lines("a.\"b", "K");
  NdjsonLines::Output output;
  ASSERT_TRUE(lines.feed("{\"n\":1.50}\n[2]\r\n", output));
  EXPECT_EQ(output.lines,
            "{\"topic\":\"a.\\\"b\",\"key\":\"K\",\"data\":{\"n\":1.50}}\n"
            "{\"topic\":\"a.\\\"b\",\"key\":\"K\",\"data\":[2]\r}\n");
  EXPECT_THAT(output.notes, IsEmpty());
}

TEST(NdjsonLines, WithoutATopicLeavesLinesAsTheyAre) {
  NdjsonLines lines(std::nullopt, "");
  NdjsonLines::Output output;
  ASSERT_TRUE(lines.feed("{broken\n\n {} \n", output));
  EXPECT_EQ(output.lines, "{broken\n\n {} \n");
  EXPECT_EQ(lines.failed(), 0U);
}

TEST(NdjsonLines, ALineThatIsNoJsonIsAnEmptyOneAndCounted) {
  NdjsonLines lines("t", "");
  NdjsonLines::Output output;
  ASSERT_TRUE(lines.feed("1\n{broken\n\n1,\"topic\":\"x\"\n2\n", output));
  EXPECT_EQ(output.lines, "{\"topic\":\"t\",\"data\":1}\n\n\n\n{\"topic\":\"t\",\"data\":2}\n");
  EXPECT_THAT(output.notes, ElementsAre(HasSubstr("line 2 is not JSON"), HasSubstr("line 4 ")));
  EXPECT_EQ(lines.failed(), 2U);
}

TEST(NdjsonLines, GivesTheSameLinesHoweverTheInputIsCut) {
  const std::string text = "1\n\n{\"a\":[1,2]}\n\"x\"\nbad\n3";
  NdjsonLines whole("t", "");
  NdjsonLines::Output expected;
  ASSERT_TRUE(whole.feed(text, expected));
  whole.finish(expected);
  EXPECT_THAT(expected.lines, HasSubstr("\"data\":3}\n"));
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      NdjsonLines lines("t", "");
      NdjsonLines::Output output;
      ASSERT_TRUE(lines.feed(ByteView(text).substr(0, first), output));
      ASSERT_TRUE(lines.feed(ByteView(text).substr(first, second - first), output));
      ASSERT_TRUE(lines.feed(ByteView(text).substr(second), output));
      lines.finish(output);
      ASSERT_EQ(output.lines, expected.lines) << first << ' ' << second;
      ASSERT_EQ(output.notes, expected.notes) << first << ' ' << second;
    }
  }
}

TEST(NdjsonLines, RefusesALineThatIsTooLong) {
  NdjsonLines lines(std::nullopt, "");
  NdjsonLines::Output output;
  const std::string piece(kLineBytesMax / 4, 'x');
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(lines.feed(piece, output));
  }
  EXPECT_FALSE(lines.feed("y\n", output));
  EXPECT_THAT(output.notes, ElementsAre(HasSubstr("line 1 of standard input is longer")));
  EXPECT_EQ(output.lines, "");
}

}  // namespace
}  // namespace wspush::cli
