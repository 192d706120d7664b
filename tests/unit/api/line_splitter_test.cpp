#include "api/line_splitter.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace wspush::api {
namespace {

std::string shown(const LineSplitter::Line& line) {
  return line.is_too_long ? "too long" : "'" + std::string(line.text) + "'";
}

/// What comes of `text` cut at `cuts`, each piece in memory of its own that is gone afterwards.
std::string lines_of(const std::string& text, const std::vector<std::size_t>& cuts,
                     std::size_t line_bytes_max) {
  LineSplitter splitter(line_bytes_max);
  std::string out;
  std::size_t from = 0;
  for (std::size_t index = 0; index <= cuts.size(); ++index) {
    const std::size_t to = index < cuts.size() ? cuts[index] : text.size();
    const std::string piece = text.substr(from, to - from);
    ByteView rest = piece;
    while (const auto line = splitter.next(rest)) {
      out += shown(*line) + " ";
    }
    from = to;
  }
  if (const auto line = splitter.finish()) {
    out += shown(*line) + " ";
  }
  return out;
}

TEST(LineSplitter, FindsTheSameLinesHoweverTheTextIsCut) {
  const std::string text = "one\n\r\n\ntwelve\n123456\n1234567\n89\n1234567890abc\nlast";
  const std::string expected = "'one' '\r' '' 'twelve' '123456' too long '89' too long 'last' ";
  EXPECT_EQ(lines_of(text, {}, 6), expected);
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      ASSERT_EQ(lines_of(text, {first, second}, 6), expected) << first << " " << second;
    }
  }
  std::vector<std::size_t> every;
  for (std::size_t at = 1; at < text.size(); ++at) {
    every.push_back(at);
  }
  EXPECT_EQ(lines_of(text, every, 6), expected);
}

TEST(LineSplitter, HasNoLastLineBehindALineFeed) {
  EXPECT_EQ(lines_of("a\n", {}, 6), "'a' ");
  EXPECT_EQ(lines_of("", {}, 6), "");
}

TEST(LineSplitter, TellsALastLineThatIsTooLong) {
  for (std::size_t cut = 0; cut <= 7; ++cut) {
    EXPECT_EQ(lines_of("1234567", {cut}, 6), "too long ") << cut;
    EXPECT_EQ(lines_of("123456", {std::min<std::size_t>(cut, 6)}, 6), "'123456' ") << cut;
  }
}

}  // namespace
}  // namespace wspush::api
