#include <string>

#include "wspush/base/random.hpp"

#include "config/config_keys.hpp"
#include "unit/config/load.hpp"

namespace wspush::config {
namespace {

constexpr std::uint64_t kSeed = 20260101;

/// Either a Config or faults with a place each; and never a crash, which the sanitizers watch for.
void expect_an_answer(const LoadResult& result, const std::string& text) {
  EXPECT_EQ(result.config == nullptr, !result.faults.empty()) << text;
  EXPECT_LE(result.faults.size(), 101U);
  for (const Fault& fault : result.faults) {
    EXPECT_FALSE(fault.source.empty());
    EXPECT_FALSE(fault.message.empty()) << text;
    EXPECT_GE(fault.line, 0);
    EXPECT_EQ(fault.line == 0, fault.column == 0) << to_string(fault);
  }
}

TEST(RandomText, OfAnyBytesIsRefusedOrTaken) {
  SplitMix64 random(kSeed);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(60); i > 0; --i) {
      text += static_cast<char>(random.below(256));
    }
    expect_an_answer(load_text(text), text);
  }
}

TEST(RandomText, OfYamlsOwnCharactersIsRefusedOrTaken) {
  constexpr std::string_view kPieces[] = {
      "a", "log",   "listen", "topics", ":",      ": ", "\n",  "  ", "- ",  "[",
      "]", "{",     "}",      ", ",     "\"",     "'",  "&x ", "*x", "|\n", ">",
      "#", "---\n", "...\n",  "? ",     "!!str ", "1",  "5s",  "~",  "\t",  "<<"};
  SplitMix64 random(kSeed + 1);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(30); i > 0; --i) {
      text += kPieces[random.below(std::size(kPieces))];
    }
    expect_an_answer(load_text(text), text);
  }
}

TEST(RandomText, MadeFromTheManualIsRefusedOrTaken) {
  const std::string manual = read_whole(std::string(WSPUSH_SOURCE_DIR) + "/conf/wspushd.yaml");
  std::string plain;  // without its comments: they are most of it, and hide what is changed
  for (std::size_t at = 0; at < manual.size();) {
    const std::size_t end = manual.find('\n', at);
    const std::string line = manual.substr(at, end - at + 1);
    const std::size_t start = line.find_first_not_of(' ');
    if (line[start] != '#' && line != "\n") {
      plain += line;
    }
    at = end + 1;
  }
  SplitMix64 random(kSeed + 2);
  for (int round = 0; round < 400; ++round) {
    std::string text = plain;
    for (int changes = 0; changes < 3; ++changes) {
      const std::size_t at = random.below(text.size());
      switch (random.below(4)) {
        case 0:
          text[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          text.erase(at, random.below(20));
          break;
        case 2:
          text.insert(at, text.substr(random.below(text.size()), random.below(20)));
          break;
        default:
          text.resize(at + 1);
      }
    }
    expect_an_answer(load_text(text), text);
  }
}

TEST(RandomText, AsAnOverrideOfAnyKeyIsRefusedOrTaken) {
  constexpr std::string_view kValues[] = {"",       "0",  "1",    "[]",  "{}",  "[{}]",
                                          "x",      "5s", "1KiB", "~",   "yes", "[a]",
                                          "{a: b}", "\"", "-1",   "[~]", "*",   "auto"};
  for (const KeyRow& row : config_keys()) {
    for (const std::string_view value : kValues) {
      const std::string set = std::string(row.path) + '=' + std::string(value);
      LoadRequest request;
      request.set = {set};
      expect_an_answer(load_config(request), set);
    }
  }
}

}  // namespace
}  // namespace wspush::config
