#include "websocket/opening_handshake.hpp"

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::websocket {
namespace {

using testing::ElementsAre;

std::vector<std::string> elements_of(ByteView value) {
  std::vector<std::string> elements;
  ByteView element;
  while (take_list_element(value, element)) {
    elements.emplace_back(element);
  }
  return elements;
}

std::optional<std::vector<ByteView>> parse(std::vector<ByteView> values) {
  return parse_subprotocols(values);
}

TEST(AcceptKey, IsThatOfTheRfc) {  // §1.3
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") << "again";
}

TEST(AcceptKey, IsTheSameInEveryThread) {
  std::string other;
  std::thread([&other] { other = accept_key("dGhlIHNhbXBsZSBub25jZQ=="); }).join();
  EXPECT_EQ(other, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(HandshakeKey, HasSixteenBytes) {
  EXPECT_TRUE(is_valid_key("dGhlIHNhbXBsZSBub25jZQ=="));
  EXPECT_TRUE(is_valid_key("++++++++++//////////AA=="));
  EXPECT_TRUE(is_valid_key("AAAAAAAAAAAAAAAAAAAAAB==")) << "unused bits may be anything";
  for (const char* key :
       {"", "==", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZQA=", "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhlIHNhbXBsZSBub25j==", "=====================A==", "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25j Q==", "dGhlIHNhbXBsZSBub25j-Q==", "dGhlIHNhbXBsZSBub25jZQAAAA=="}) {
    EXPECT_FALSE(is_valid_key(key)) << key;
  }
}

TEST(HeaderList, SplitsAtCommasAndTrims) {  // RFC 9110 §5.6.1
  EXPECT_THAT(elements_of("a,b , c\t,\td"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(elements_of(" , ,a,,b, "), ElementsAre("a", "b"));
  EXPECT_THAT(elements_of(""), ElementsAre());
  EXPECT_THAT(elements_of(" \t"), ElementsAre());
  EXPECT_THAT(elements_of(",,,"), ElementsAre());
  EXPECT_THAT(elements_of("a b"), ElementsAre("a b"));
}

TEST(HeaderList, DoesNotSplitInAQuotedString) {
  EXPECT_THAT(elements_of(R"(a;x="1,2", b)"), ElementsAre(R"(a;x="1,2")", "b"));
  EXPECT_THAT(elements_of(R"(a;x="\",", b)"), ElementsAre(R"(a;x="\",")", "b"));
  EXPECT_THAT(elements_of(R"(a;x="open, b)"), ElementsAre(R"(a;x="open, b)"));
  EXPECT_THAT(elements_of(R"(a;x="end\)"), ElementsAre(R"(a;x="end\)"));
  EXPECT_THAT(elements_of(R"(a\,b)"), ElementsAre(R"(a\)", "b")) << "no escapes outside";
}

TEST(HeaderList, FindsATokenInAnyCase) {
  EXPECT_TRUE(list_contains_token("Upgrade", "upgrade"));
  EXPECT_TRUE(list_contains_token("keep-alive, UPGRADE", "upgrade"));
  EXPECT_TRUE(list_contains_token("keep-alive ,upgrade,", "upgrade"));
  EXPECT_FALSE(list_contains_token("keep-alive", "upgrade"));
  EXPECT_FALSE(list_contains_token("upgraded, xupgrade, up grade", "upgrade"));
  EXPECT_FALSE(list_contains_token("\"keep, upgrade, x\"", "upgrade"));
  EXPECT_FALSE(list_contains_token("", "upgrade"));
}

TEST(HeaderList, ComparesOnlyAsciiLettersWithoutCase) {
  EXPECT_TRUE(equals_ignoring_case("aZ09-", "Az09-"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
}

TEST(HeaderList, JudgesTokensOverTheWholeByteRange) {  // RFC 9110 §5.6.2
  const std::string allowed =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  EXPECT_FALSE(is_token(""));
  for (int value = 0; value < 256; ++value) {
    const std::string text = {'a', static_cast<char>(value)};
    EXPECT_EQ(is_token(text), allowed.find(text[1]) != std::string::npos) << value;
  }
}

// The hostile lists that other servers needed minutes for; here they are walked once.
TEST(HeaderList, TakesHostileListsInOneWalk) {
  const std::size_t size = 2'000'000;
  EXPECT_THAT(elements_of(std::string(size, ',')), ElementsAre());
  EXPECT_THAT(elements_of(std::string(size, ' ')), ElementsAre());
  EXPECT_EQ(elements_of("\"" + std::string(size, ',')).size(), 1U);
  EXPECT_EQ(elements_of("\"" + std::string(size, '\\')).size(), 1U);
  std::string pairs;
  for (std::size_t i = 0; i < size / 2; ++i) {
    pairs += " ,";
  }
  EXPECT_THAT(elements_of(pairs), ElementsAre());
  EXPECT_FALSE(list_contains_token(std::string(size, ' ') + "a", "upgrade"));
}

TEST(Subprotocols, AreReadFromAllValuesInTheirOrder) {
  EXPECT_THAT(parse({"chat, superchat", "wspush.v1"}).value(),
              ElementsAre("chat", "superchat", "wspush.v1"));
  EXPECT_THAT(parse({"bearer.eyJh.eyJz.a-b_c", "Chat,chat"}).value(),
              ElementsAre("bearer.eyJh.eyJz.a-b_c", "Chat", "chat"));
  EXPECT_TRUE(parse({}).value().empty());
}

TEST(Subprotocols, AreRefusedWhenMalformed) {  // §4.1 10, §11.3.4
  EXPECT_EQ(parse({""}), std::nullopt);
  EXPECT_EQ(parse({" , "}), std::nullopt);
  EXPECT_EQ(parse({"a b"}), std::nullopt);
  EXPECT_EQ(parse({"a;q=1"}), std::nullopt);
  EXPECT_EQ(parse({"a/b"}), std::nullopt);
  EXPECT_EQ(parse({"\"a\""}), std::nullopt);
  EXPECT_EQ(parse({"a,b,a"}), std::nullopt);
  EXPECT_EQ(parse({"a", "a"}), std::nullopt);
}

TEST(Subprotocols, AreBounded) {
  std::string list;
  for (std::size_t i = 0; i < kSubprotocolsMax; ++i) {
    list += "p" + std::to_string(i) + ",";
  }
  EXPECT_EQ(parse({list}).value().size(), kSubprotocolsMax);
  EXPECT_EQ(parse({list + "one-more"}), std::nullopt);
}

TEST(Subprotocols, TheFirstOfTheClientsListThatIsSupportedIsChosen) {
  const std::vector<ByteView> offered = {"x", "b", "a"};
  EXPECT_EQ(choose_subprotocol(offered, std::vector<std::string>{"a", "b"}), "b");
  EXPECT_EQ(choose_subprotocol(offered, std::vector<std::string>{"A", "B"}), std::nullopt);
  EXPECT_EQ(choose_subprotocol(offered, {}), std::nullopt);
  EXPECT_EQ(choose_subprotocol({}, std::vector<std::string>{"a"}), std::nullopt);
}

}  // namespace
}  // namespace wspush::websocket
