#include "config/yaml_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::config {
namespace {

using testing::ElementsAre;

struct Parsed {
  std::optional<Node> root;
  std::vector<std::string> faults;
};

Parsed parse(std::string_view text) {
  FaultList faults;
  const std::size_t source = faults.add_source("f");
  Parsed parsed{parse_yaml(text, source, true, faults), {}};
  for (const Fault& fault : faults.take()) {
    parsed.faults.push_back(to_string(fault));
  }
  return parsed;
}

std::string place(Position at) {
  return std::to_string(at.line) + ':' + std::to_string(at.column);
}

/// The tree in one line, with the place of each key and value.
std::string flat(const Node& node) {
  switch (node.kind) {
    case NodeKind::kNull:
      return "null@" + place(node.at);
    case NodeKind::kScalar:
      return (node.is_quoted ? "'" + node.text + "'" : node.text) + '@' + place(node.at);
    case NodeKind::kSequence: {
      std::string text = "[";
      for (const Node& item : node.items) {
        text += (text.size() == 1 ? "" : " ") + flat(item);
      }
      return text + "]@" + place(node.at);
    }
    case NodeKind::kMapping: {
      std::string text = "{";
      for (const Entry& entry : node.entries) {
        text += (text.size() == 1 ? "" : " ") + entry.key + '@' + place(entry.key_at) + '=' +
                flat(entry.value);
      }
      return text + "}@" + place(node.at);
    }
  }
  return {};
}

std::string tree_of(std::string_view text) {
  const Parsed parsed = parse(text);
  return parsed.root ? flat(*parsed.root) : "no tree";
}

TEST(YamlTree, KeepsThePlaceOfEveryKeyAndValue) {
  EXPECT_EQ(tree_of("a: 1\nb:\n  - x\n  - {c: \"2\"}\n"),
            "{a@1:1=1@1:4 b@2:1=[x@3:5 {c@4:6='2'@4:9}@4:5]@3:3}@1:1");
}

TEST(YamlTree, PutsAnAliasWhereItStandsAndNotAtItsAnchor) {
  EXPECT_EQ(tree_of("a: &x [1]\nb: *x\n"), "{a@1:1=[1@1:8]@1:4 b@2:1=[1@1:8]@2:4}@1:1");
}

TEST(YamlTree, PutsAnEmptyValueAtItsKey) {
  EXPECT_EQ(tree_of("a:\nb: ~\nc: null\n"), "{a@1:1=null@1:1 b@2:1=null@2:1 c@3:1=null@3:1}@1:1");
}

TEST(YamlTree, KeepsAKeyThatComesTwice) {
  EXPECT_EQ(tree_of("a: 1\na: 2\n"), "{a@1:1=1@1:4 a@2:1=2@2:4}@1:1");
}

TEST(YamlTree, TellsTextsInQuotesFromPlainOnes) {
  EXPECT_EQ(tree_of("a: 'x'\nb: |\n  y\nc: !!str 5\nd: ! z\n"),
            "{a@1:1='x'@1:4 b@2:1='y\n'@2:4 c@4:1='5'@4:4 d@5:1='z'@5:4}@1:1");
}

TEST(YamlTree, TakesAnEmptyDocumentAndLeavesOutAByteOrderMark) {
  for (const char* text : {"", "\n", "# only this\n", "---\n", "---\n...\n"}) {
    const Parsed parsed = parse(text);
    ASSERT_TRUE(parsed.root) << text;
    EXPECT_EQ(parsed.root->kind, NodeKind::kNull) << text;
  }
  EXPECT_EQ(tree_of("\xef\xbb\xbf"
                    "a: 1\n"),
            "{a@1:1=1@1:4}@1:1");
  EXPECT_EQ(tree_of("a: 1\r\nb: 2\r\n"), "{a@1:1=1@1:4 b@2:1=2@2:4}@1:1");
}

TEST(YamlTree, RefusesAQuoteThatTheEndOfTheFileCloses) {
  for (const char* quote : {"\"", "'"}) {
    for (const char* end : {"", "\n", "\n\n", " \n", "\necho: true\n"}) {
      const Parsed parsed = parse(std::string("echo: true\ndemo: ") + quote + "x" + end);
      EXPECT_FALSE(parsed.root);
      ASSERT_EQ(parsed.faults.size(), 1U);
      EXPECT_THAT(parsed.faults[0],
                  testing::StartsWith("f:2:7: bad YAML: a quote is opened and never closed\n"));
    }
  }
}

TEST(YamlTree, SaysWhereYamlIsBadAndShowsTheLine) {
  EXPECT_THAT(parse("log:\n  level: info: x\n").faults,
              ElementsAre("f:2:14: bad YAML: a ':' where no key can be; check the indentation, or "
                          "put the text in quotes\n      level: info: x\n                 ^"));
  EXPECT_THAT(parse("log: {level: info\n").faults,
              ElementsAre("f:1:18: bad YAML: a '{' is not closed\n"
                          "    log: {level: info\n                     ^"));
  EXPECT_THAT(parse("log: [a\n\n\n").faults,
              ElementsAre("f:1:8: bad YAML: a '[' is not closed\n    log: [a\n           ^"));
  EXPECT_THAT(parse("origins: [*]\n").faults.at(0),
              testing::StartsWith("f:1:12: bad YAML: a text that begins with '*' needs quotes\n"));
}

TEST(YamlTree, NeverShowsASecretOfABadLine) {
  for (const char* text :
       {"auth:\n  hmac_secret: \"s3cret\n", "auth:\n  hmac_secret: *s3cret\n",
        "auth:\n  hmac_secret: s3cret: x\n", "internal:\n  api_keys: [s3cret\n",
        "internal:\n  api_keys:\n    - \"s3cret\n", "pusher: {apps: [{secret: s3cret\n",
        "internal:\n  api_keys:\n    - \"s3cret\\q\"\n", "auth:\n  hmac_secret: !s3cret x\n"}) {
    const Parsed parsed = parse(text);
    EXPECT_FALSE(parsed.root) << text;
    ASSERT_EQ(parsed.faults.size(), 1U) << text;
    EXPECT_EQ(parsed.faults[0].find("s3cret"), std::string::npos) << parsed.faults[0];
  }
}

TEST(YamlTree, RefusesTabsInTheIndentation) {
  EXPECT_THAT(parse("log:\n\tlevel: info\n").faults,
              ElementsAre("f:2:1: found a tab in the indentation; allowed: spaces"));
  EXPECT_THAT(parse("log:\n  \tlevel: info\n").faults,
              ElementsAre("f:2:3: found a tab in the indentation; allowed: spaces"));
  EXPECT_TRUE(parse("log:\n\t\n\t# a comment\n  level:\tinfo\n").root);
}

TEST(YamlTree, RefusesControlCharacters) {
  EXPECT_THAT(parse("echo: true\ndemo: \x04 x\n").faults,
              ElementsAre("f:2:7: found a control character; allowed: text"));
  EXPECT_THAT(parse(std::string_view("a: \0", 4)).faults,
              ElementsAre("f:1:4: found a control character; allowed: text"));
}

TEST(YamlTree, RefusesBytesThatAreNotUtf8) {
  EXPECT_THAT(parse("a: b\nc: \"\xc3\xa4\xff\"\n").faults,
              ElementsAre("f:2:7: found a byte that is not UTF-8; allowed: text"));
  EXPECT_THAT(parse("# \xe4rger\n").faults,
              ElementsAre("f:1:3: found a byte that is not UTF-8; allowed: text"));
  EXPECT_FALSE(parse("a: \xe2\x82").root);
}

TEST(YamlTree, RefusesWhatAConfigurationHasNoUseFor) {
  EXPECT_THAT(parse("a: 1\n---\nb: 2\n").faults,
              ElementsAre("f:2:1: found a second document; allowed: one"));
  EXPECT_THAT(parse("a: !x 1\n").faults,
              ElementsAre("f:1:4: found a tag; allowed: plain YAML without tags"));
  EXPECT_THAT(parse("a: !!int 1\n").faults,
              ElementsAre("f:1:4: found a tag; allowed: plain YAML without tags"));
  EXPECT_THAT(parse("? [a]\n: 1\n").faults, ElementsAre("f:1:3: found a key that is no text"));
  EXPECT_THAT(parse("~: 1\n").faults, ElementsAre("f:1:1: found a key that is no text"));
}

TEST(YamlTree, RefusesAnAliasInsideOfWhatItStandsFor) {
  EXPECT_THAT(parse("a: &x [*x]\n").faults,
              ElementsAre("f:1:8: found an alias inside of what it stands for"));
}

TEST(YamlTree, BoundsTheDepth) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse(nested(kYamlDepthMax)).root);
  EXPECT_EQ(parse(nested(kYamlDepthMax + 1)).faults.size(), 1U);
  EXPECT_EQ(parse(std::string(20'000, '[')).faults.size(), 1U);
  std::string aliases = "a0: &x0 [1]\n";  // each level one deeper than the one before
  for (std::size_t i = 1; i < kYamlDepthMax; ++i) {
    aliases += "a" + std::to_string(i) + ": &x" + std::to_string(i) + " [*x" +
               std::to_string(i - 1) + "]\n";
  }
  EXPECT_EQ(parse(aliases).faults.size(), 1U);
}

TEST(YamlTree, BoundsWhatAliasesExpandTo) {
  std::string laughs = "a0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*x" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &x" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 8; ++j) {
      laughs += ", " + last;
    }
    laughs += "]\n";
  }
  const Parsed parsed = parse(laughs);
  EXPECT_FALSE(parsed.root);
  ASSERT_EQ(parsed.faults.size(), 1U);
  EXPECT_THAT(parsed.faults[0],
              testing::EndsWith("found too many keys and values; allowed: 200000"));
}

TEST(YamlTree, GivesOverridesNoLines) {
  FaultList faults;
  const std::size_t source = faults.add_source("--set auth.hmac_secret");
  EXPECT_FALSE(parse_yaml("\"s3cret", source, false, faults));
  EXPECT_THAT(faults.take(),
              ElementsAre(Fault{.source = "--set auth.hmac_secret",
                                .message = "bad YAML: a quote is opened and never closed"}));
}

}  // namespace
}  // namespace wspush::config
