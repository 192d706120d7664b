#include "wspush/hub/presence.hpp"

#include <gtest/gtest.h>

#include "wspush/hub/feed.hpp"
#include "wspush/hub/topic_name.hpp"

namespace wspush::hub {
namespace {

TEST(Presence, AStreamIsNoTopicNorFeedAndKnowsItsTopic) {
  const std::string stream = presence_stream_of("room.1");
  EXPECT_TRUE(is_presence_stream(stream));
  EXPECT_EQ(topic_of_stream(stream), "room.1");
  EXPECT_FALSE(is_topic(stream));
  EXPECT_FALSE(is_pattern(stream));
  EXPECT_FALSE(is_feed(stream));
  EXPECT_FALSE(is_presence_stream("room.1"));
  EXPECT_FALSE(is_presence_stream(""));
}

TEST(Presence, ACursorIsReadBackAsItWasWritten) {
  for (const std::uint32_t from : {0U, 1U, 9U, 10U, 1000U, 0xffff'ffffU}) {
    EXPECT_EQ(parse_members_cursor(to_members_cursor(from)), from);
  }
}

TEST(Presence, NothingElseIsACursor) {
  for (const char* text : {"", "m", "1", "m-1", "m+1", "m 1", "m01", "m00", "M1", "m1x", "m1 ",
                           "m4294967296", "m99999999999999999999", "n1", "mm1"}) {
    EXPECT_EQ(parse_members_cursor(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace wspush::hub
