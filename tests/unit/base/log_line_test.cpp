#include "base/log_line.hpp"

#include <string>

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace wspush::log {
namespace {

// 2026-05-01T12:34:56.007Z
const WallTime kTime{std::chrono::milliseconds(1'777'638'896'007)};

std::string line(LineStyle style, Level level, std::string_view message) {
  std::string out;
  append_line(out, style, kTime, level, message);
  return out;
}

TEST(LogLine, HasTimeLevelAndMessage) {
  EXPECT_EQ(line({}, Level::kInfo, "listening on 127.0.0.1:8080"),
            "2026-05-01T12:34:56.007Z info listening on 127.0.0.1:8080\n");
  EXPECT_EQ(line({}, Level::kError, ""), "2026-05-01T12:34:56.007Z error \n");
}

TEST(LogLine, StartsWithItsPriorityForTheJournal) {
  const LineStyle journal{.has_priority = true};
  EXPECT_EQ(line(journal, Level::kError, "x"), "<3>error x\n");
  EXPECT_EQ(line(journal, Level::kWarning, "x"), "<4>warning x\n");
  EXPECT_EQ(line(journal, Level::kInfo, "x"), "<6>info x\n");
  EXPECT_EQ(line(journal, Level::kDebug, "x"), "<7>debug x\n");
  EXPECT_EQ(line(journal, Level::kTrace, "x"), "<7>trace x\n");
}

TEST(LogLine, IsOneJsonObjectInTheJsonFormat) {
  EXPECT_EQ(line({.format = Format::kJson}, Level::kWarning, "a \"b\"\n\xff"),
            "{\"time\":\"2026-05-01T12:34:56.007Z\",\"level\":\"warning\","
            "\"message\":\"a \\\"b\\\"\\n\xef\xbf\xbd\"}\n");
  EXPECT_EQ(line({.format = Format::kJson, .has_priority = true}, Level::kInfo, "x").substr(0, 4),
            "<6>{");
}

TEST(LogLine, StaysOneLineWhateverIsLogged) {
  EXPECT_EQ(
      line({.has_priority = true}, Level::kInfo, std::string_view("a\nb\r\t\0\x1b[2J\x7f", 11)),
      "<6>info a\\nb\\r\\t\\x00\\x1b[2J\\x7f\n");
}

TEST(LogLine, ClipsALongMessageAndSaysSo) {
  const std::string prefix = "<6>info ";
  const LineStyle style{.has_priority = true};
  EXPECT_EQ(line(style, Level::kInfo, std::string(kLineBytesMax, 'x')),
            prefix + std::string(kLineBytesMax, 'x') + "\n");
  EXPECT_EQ(line(style, Level::kInfo, std::string(kLineBytesMax + 1, 'x')),
            prefix + std::string(kLineBytesMax, 'x') + "...\n");
  const std::string json =
      line({.format = Format::kJson}, Level::kInfo, std::string(kLineBytesMax + 1, 'x'));
  const auto object = parse_json_object(json);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->find("message")->raw.size(), kLineBytesMax + 2);
  EXPECT_EQ(object->find("clipped")->boolean(), true);
}

TEST(Quoted, LeavesNothingThatCouldForgeALineOrAQuote) {
  EXPECT_EQ(log::quoted(""), "\"\"");
  EXPECT_EQ(log::quoted("news.sport"), "\"news.sport\"");
  EXPECT_EQ(log::quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(log::quoted(std::string_view("\r\n\t\0\x1b\x7f", 6)), "\"\\r\\n\\t\\x00\\x1b\\x7f\"");
  EXPECT_EQ(log::quoted("\xc3\xa9\xe6\x97\xa5"), "\"\xc3\xa9\xe6\x97\xa5\"");
  EXPECT_EQ(log::quoted("\xff"
                        "a\xc3"),
            "\"\\xffa\\xc3\"");
  EXPECT_EQ(log::quoted("\xc2\x9b"
                        "1m"),
            "\"\\xc2\\x9b1m\"");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = log::quoted(std::string(1, static_cast<char>(byte)));
    for (char c : text) {
      EXPECT_TRUE(c >= 0x20 && c < 0x7f) << byte;
    }
  }
}

TEST(Quoted, ClipsBetweenSequencesAndSaysSo) {
  EXPECT_EQ(log::quoted("abcd", 4), "\"abcd\"");
  EXPECT_EQ(log::quoted("abcde", 4), "\"abcd\"...");
  EXPECT_EQ(log::quoted("abc\xc3\xa9", 4), "\"abc\"...");
  EXPECT_EQ(log::quoted("abc\xc3\xa9", 5), "\"abc\xc3\xa9\"");
  EXPECT_EQ(log::quoted(std::string(300, 'x')), "\"" + std::string(200, 'x') + "\"...");
}

}  // namespace
}  // namespace wspush::log
