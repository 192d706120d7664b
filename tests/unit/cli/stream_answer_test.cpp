#include "cli/stream_answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(StreamAnswer, CountsAndNamesTheLines) {
  const auto answer = parse_stream_answer(
      R"({"published":5,"failed":3,"errors":[{"line":2,"error":{"code":"bad_request","message":"no"}},)"
      R"({"line":7,"error":{"code":"forbidden","message":"not you"}}]})",
      100);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->published, 5U);
  EXPECT_EQ(answer->failed, 3U);
  EXPECT_THAT(answer->notes, ElementsAre("line 102: no (bad_request)",
                                         "line 107: not you (forbidden)", "and 1 more"));
}

TEST(StreamAnswer, OfAGoodStreamHasNoNotes) {
  EXPECT_THAT(parse_stream_answer(R"({"published":1,"failed":0,"errors":[]})", 0)->notes,
              IsEmpty());
}

TEST(StreamAnswer, IsNothingElse) {
  for (const char* body : {"", "[]", "{}", "<html>", R"({"published":1})"}) {
    EXPECT_FALSE(parse_stream_answer(body, 0)) << body;
  }
}

TEST(StreamAnswer, SurvivesMembersOfOtherTypes) {
  const auto answer =
      parse_stream_answer(R"({"published":"x","failed":1,"errors":[1,{"error":2}]})", 0);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->published, 0U);
  EXPECT_EQ(answer->notes.size(), 2U);
}

}  // namespace
}  // namespace wspush::cli
