#include "door/sse_format.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

#include "unit/door/event_stream.hpp"

namespace wspush::door {
namespace {

std::string lines_of(ByteView text) {
  std::string out;
  append_data_lines(out, text);
  return out;
}

TEST(SseFormat, EachLineIsADataLineWhateverEndsIt) {
  EXPECT_EQ(lines_of(""), "data: \n");
  EXPECT_EQ(lines_of("one"), "data: one\n");
  EXPECT_EQ(lines_of("a\nb"), "data: a\ndata: b\n");
  EXPECT_EQ(lines_of("a\rb"), "data: a\ndata: b\n");
  EXPECT_EQ(lines_of("a\r\nb"), "data: a\ndata: b\n");
  EXPECT_EQ(lines_of("a\n\rb"), "data: a\ndata: \ndata: b\n");
  EXPECT_EQ(lines_of("a\n"), "data: a\ndata: \n");
  EXPECT_EQ(lines_of("\r\n"), "data: \ndata: \n");
  EXPECT_EQ(lines_of("\r"), "data: \ndata: \n");
  EXPECT_EQ(lines_of(" id: 7\nevent: x"), "data:  id: 7\ndata: event: x\n");
}

TEST(SseFormat, OneLineHasNeitherCarriageReturnNorLineFeed) {
  EXPECT_TRUE(is_one_line(""));
  EXPECT_TRUE(is_one_line("data: : \t \xe2\x80\xa8"));
  EXPECT_FALSE(is_one_line("a\n"));
  EXPECT_FALSE(is_one_line("\ra"));
}

TEST(SseFormat, AGapSaysWhatIsKnown) {
  std::string out;
  append_gap_event(out, {.id = "e-4", .topic = "q\"", .after = "e-1", .next = "e-5"});
  EXPECT_EQ(
      out,
      "event: gap\nid: e-4\ndata: {\"topic\":\"q\\\"\",\"after\":\"e-1\",\"next\":\"e-5\"}\n\n");
  out.clear();
  append_gap_event(out, {.id = {}, .topic = {}, .after = "p1", .next = {}});
  EXPECT_EQ(out, "event: gap\ndata: {\"after\":\"p1\"}\n\n");
}

TEST(SseFormat, WhatAClientReadsIsTheTextWithLineFeeds) {
  SplitMix64 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    std::string wanted;
    for (std::uint64_t i = random.below(12); i > 0; --i) {
      constexpr const char* kPieces[] = {"\r\n", "\r", "\n", "a", ": ", "data:"};
      const std::string piece = kPieces[random.below(6)];
      if (piece == "\n" && text.ends_with('\r')) {
        continue;  // They would be one end of a line.
      }
      text += piece;
      wanted += piece.front() == '\r' ? "\n" : piece;
    }
    const auto events = test::events_of(lines_of(text) + "\n");
    ASSERT_EQ(events.size(), 1U);
    ASSERT_EQ(events[0].data, wanted);
  }
}

}  // namespace
}  // namespace wspush::door
