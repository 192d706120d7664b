#include "http/accept_header.hpp"

#include <string>

#include <gtest/gtest.h>

#include "unit/http/parsed_head.hpp"

namespace wspush::http {
namespace {

constexpr std::string_view kStream = "text/event-stream";

struct Row {
  std::string_view headers;
  bool accepts;
  bool asks_for;
};

TEST(AcceptHeader, MatchesMediaRanges) {
  constexpr Row kRows[] = {
      {"", true, false},
      {"Accept:\r\n", true, false},
      {"Accept: , ,\r\n", true, false},
      {"Accept: text/event-stream\r\n", true, true},
      {"accept: Text/Event-Stream\r\n", true, true},
      {"Accept: text/event-stream;charset=utf-8\r\n", true, true},
      {"Accept: application/json, text/event-stream ; q=0.5\r\n", true, true},
      {"Accept: application/json\r\nAccept: text/event-stream\r\n", true, true},
      {"Accept: */*\r\n", true, false},
      {"Accept: text/*\r\n", true, false},
      {"Accept: application/*\r\n", false, false},
      {"Accept: text/html\r\n", false, false},
      {"Accept: text/event-streams\r\n", false, false},
      {"Accept: text/event-stream;q=0\r\n", false, false},
      {"Accept: text/event-stream; Q=0.000, */*\r\n", false, false},
      {"Accept: */*, text/event-stream;q=0.0\r\n", false, false},
      {"Accept: text/*;q=0, */*\r\n", false, false},
      {"Accept: */*;q=0, text/*\r\n", true, false},
      {"Accept: */*;q=0\r\n", false, false},
      {"Accept: text/event-stream;q=0.001\r\n", true, true},
      {"Accept: text/event-stream;q=1\r\n", true, true},
      {"Accept: text/event-stream;x=\"a,b;q=0\"\r\n", true, true},
      {"Accept: x/y;p=\"unclosed, text/event-stream\r\n", false, false},
      {"Accept: text/event-stream;q=0, text/event-stream\r\n", true, true},
  };
  for (const Row& row : kRows) {
    ParsedHead head("GET / HTTP/1.0\r\n" + std::string(row.headers) + "\r\n");
    ASSERT_TRUE(head.is_complete());
    EXPECT_EQ(accepts(head->headers, kStream), row.accepts) << row.headers;
    EXPECT_EQ(asks_for(head->headers, kStream), row.asks_for) << row.headers;
  }
}

TEST(AcceptHeader, ReadsTheEssenceOfAContentType) {
  EXPECT_EQ(media_type_essence("application/json"), "application/json");
  EXPECT_EQ(media_type_essence("Application/JSON; charset=utf-8"), "application/json");
  EXPECT_EQ(media_type_essence(" text/plain ;x"), "text/plain");
  EXPECT_EQ(media_type_essence("application/vnd.a+json"), "application/vnd.a+json");
  for (const char* bad : {"", "json", "/", "a/", "/b", "a/b/c", "a b/c", "a/b c", ";a/b"}) {
    EXPECT_EQ(media_type_essence(bad), "") << bad;
  }
}

}  // namespace
}  // namespace wspush::http
