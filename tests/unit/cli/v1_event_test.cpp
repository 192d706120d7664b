#include "cli/v1_event.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

TEST(V1Event, FindsMembersAsTheyStand) {
  const std::string text =
      R"( { "op" : "message","data": {"op":"no","x":[1,{"}":"]"}]} , "s":"a\",\"op\":\"b" ,"n":-1.5} )";
  const auto event = V1Event::parse(text);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->find_string("op"), "message");
  EXPECT_EQ(event->find("data")->raw, R"({"op":"no","x":[1,{"}":"]"}]})");
  EXPECT_TRUE(event->find("data")->is_object());
  EXPECT_EQ(event->find_string("s"), R"(a","op":"b)");
  EXPECT_EQ(event->find("n")->as_double(), -1.5);
  EXPECT_FALSE(event->find("x"));
  EXPECT_FALSE(event->find_string("n"));
}

TEST(V1Event, OfAnEmptyObjectHasNoMembers) {
  EXPECT_TRUE(V1Event::parse("{}"));
  EXPECT_FALSE(V1Event::parse("{}")->find("op"));
}

TEST(V1Event, RefusesWhatIsNoObject) {
  for (const char* text :
       {"", " ", "1", "[]", "{", "}", "\"{}\"", R"({"a")", R"({"a":1)", R"({"a"})", R"({a:1})",
        R"({"a":"})", R"({"a":]})", R"({"a":[})", R"({"a\":1})"}) {
    EXPECT_FALSE(V1Event::parse(text)) << text;
  }
}

TEST(V1Event, AValueThatIsNoJsonIsMissing) {
  const std::string text = R"({"op":"message","data":tru,"id":,"x":[1,]})";
  const auto event = V1Event::parse(text);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->find_string("op"), "message");
  EXPECT_FALSE(event->find("data"));
  EXPECT_FALSE(event->find("id"));
  EXPECT_FALSE(event->find("x"));
}

// Under the address sanitizer this shows that nothing beyond the text is read.
TEST(V1Event, SurvivesAnyBytes) {
  const std::string alphabet = "{}[]\",:\\ a1tn\n";
  std::mt19937 random(11);
  int parsed = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = "{";
    const std::size_t length = random() % 24;
    for (std::size_t i = 0; i < length; ++i) {
      text += alphabet[random() % alphabet.size()];
    }
    text += '}';
    const std::string exact(text.begin(), text.end());
    if (const auto event = V1Event::parse(exact)) {
      ++parsed;
      if (const auto value = event->find("a")) {
        EXPECT_TRUE(check_json(value->raw)) << exact;
      }
    }
    // The whole object is JSON only where the cut finds it too.
    if (parse_json_object(exact)) {
      EXPECT_TRUE(V1Event::parse(exact)) << exact;
    }
  }
  EXPECT_GT(parsed, 0);
}

TEST(V1Event, KeepsTheFirstMembersOfMany) {
  std::string text = R"({"op":"x")";
  for (int i = 0; i < 100; ++i) {
    text += ",\"m" + std::to_string(i) + "\":" + std::to_string(i);
  }
  text += '}';
  const auto event = V1Event::parse(text);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->find("m14")->as_uint64(), 14U);
  EXPECT_FALSE(event->find("m15"));
}

}  // namespace
}  // namespace wspush::cli
