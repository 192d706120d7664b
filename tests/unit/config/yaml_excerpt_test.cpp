#include "config/yaml_excerpt.hpp"

#include <gtest/gtest.h>

namespace wspush::config {
namespace {

TEST(YamlExcerpt, PutsACaretUnderTheColumn) {
  EXPECT_EQ(excerpt_of("echo: a: b\n", 1, 8), "    echo: a: b\n           ^");
  EXPECT_EQ(excerpt_of("log:\n  level: [\n", 2, 10), "      level: [\n             ^");
  EXPECT_EQ(excerpt_of("echo: x", 1, 8), "    echo: x\n           ^");
}

TEST(YamlExcerpt, CountsCharactersForTheEye) {
  EXPECT_EQ(excerpt_of("echo: \xc3\xa4: b\n", 1, 9), "    echo: \xc3\xa4: b\n           ^");
}

TEST(YamlExcerpt, ShowsABlankForAControlCharacter) {
  EXPECT_EQ(excerpt_of("echo:\tx\r\n", 1, 1), "    echo: x\n    ^");
}

TEST(YamlExcerpt, ClipsALongLine) {
  const std::string line = "echo: " + std::string(200, 'x');
  EXPECT_EQ(excerpt_of(line, 1, 150), "    " + line.substr(0, 100));
}

TEST(YamlExcerpt, IsEmptyForALineThatIsNotThere) {
  EXPECT_EQ(excerpt_of("a\n", 3, 1), "");
  EXPECT_EQ(excerpt_of("a", 0, 1), "");
  EXPECT_EQ(excerpt_of("", 1, 0), "");
}

TEST(YamlExcerpt, HidesLinesThatMightHoldASecret) {
  const char* const text =
      "internal:\n"                          // 1
      "  address: \"127.0.0.1:1\n"           // 2
      "  api_keys:\n"                        // 3
      "    - s3cret\n"                       // 4
      "    - {key: s3cret, can: [a\n"        // 5
      "auth:\n"                              // 6
      "  hmac_secret: \"s3cret\n"            // 7
      "  s3cret continued\"\n"               // 8
      "engine:\n"                            // 9
      "  redis: {url: redis://u:s3cret@h\n"  // 10
      "  type: [\n"                          // 11
      "pusher: {apps: [{secret: s3cret\n"    // 12
      "nonsense: s3cret\n"                   // 13
      "s3cret\n";                            // 14
  for (const int line : {4, 5, 7, 8, 10, 12, 13, 14}) {
    EXPECT_EQ(excerpt_of(text, line, 3), "") << line;
  }
  EXPECT_EQ(excerpt_of(text, 2, 12), "      address: \"127.0.0.1:1\n               ^");
  for (int line = 1; line <= 14; ++line) {
    EXPECT_EQ(excerpt_of(text, line, 1).find("s3cret"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace wspush::config
