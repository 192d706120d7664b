#include "cli/message_line.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

std::string line(const std::string& text, LineFormat format) {
  std::string out = "before\n";
  append_message_line(out, *V1Event::parse(text), text, format);
  return out.substr(7);
}

std::string raw(const std::string& data, const std::string& more = "") {
  return line(
      R"({"op":"message","topic":"t","id":"00000000-1")" + more + R"(,"data":)" + data + "}",
      LineFormat::kRaw);
}

TEST(MessageLine, RawIsThePayloadOfJsonByteForByte) {
  EXPECT_EQ(raw(R"({"a":1.50,"b":[ "\u0041" ]})"), "{\"a\":1.50,\"b\":[ \"\\u0041\" ]}\n");
  EXPECT_EQ(raw("1e400"), "1e400\n");
  EXPECT_EQ(raw("null"), "null\n");
  EXPECT_EQ(raw("[1,\r\n 2]"), "[1,   2]\n");
}

TEST(MessageLine, RawIsTheTextOfAString) {
  EXPECT_EQ(raw(R"("gr\u00f6\u00dfer \"x\"\t")"), "größer \"x\"\t\n");
  EXPECT_EQ(raw(R"("")"), "\n");
}

TEST(MessageLine, LineEndsBecomeBlanks) {
  EXPECT_EQ(raw(R"("a\r\nb\nc\rd\n")"), "a  b c d \n");
}

TEST(MessageLine, RawOfBinaryIsItsBase64) {
  EXPECT_EQ(raw(R"("/wA=")", R"(,"encoding":"base64")"), "/wA=\n");
}

TEST(MessageLine, JsonIsTheObjectAsItCame) {
  const std::string text = R"({"op":"message", "topic":"t","id":"00000000-1","data":"a\nb"})";
  EXPECT_EQ(line(text, LineFormat::kJson), text + "\n");
  EXPECT_EQ(line("{\"op\":\"message\",\r\n\"data\":1}", LineFormat::kJson),
            "{\"op\":\"message\",  \"data\":1}\n");
}

TEST(MessageLine, APayloadAsDeepAsJsonMayBeIsPrinted) {
  const std::string deep = std::string(kJsonDepthMax, '[') + std::string(kJsonDepthMax, ']');
  EXPECT_EQ(raw(deep), deep + "\n");
}

}  // namespace
}  // namespace wspush::cli
