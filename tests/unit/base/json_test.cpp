#include "base/json.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "wspush/base/random.hpp"

#include "unit/base/json_oracle.hpp"

namespace wspush {
namespace {

std::string nested(std::size_t depth, char open, char close) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) {
    text += open == '{' && i + 1 < depth ? "{\"a\":" : std::string(1, open);
  }
  return text + std::string(depth, close);
}

std::string repeated(const std::string& piece, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += piece;
  }
  return text;
}

TEST(CheckJson, TakesEveryKindOfValue) {
  for (const char* text : {"null",
                           "true",
                           "false",
                           "0",
                           "-0",
                           "12",
                           "-1.5",
                           "1e5",
                           "1E+5",
                           "1e-5",
                           "0.0e0",
                           "\"\"",
                           "\"a\"",
                           "[]",
                           "{}",
                           "[1,2]",
                           "{\"a\":1}",
                           " \t\r\n{ \"a\" : [ 1 , { } ] } \n",
                           "\"\x7f\"",
                           R"("\"\\\/\b\f\n\r\t\u0000\u00e9\ud83d\ude00")",
                           "\"\xf0\x9f\x98\x80\xc3\xa9\"",
                           R"({"":{"":""}})"}) {
    EXPECT_TRUE(check_json(text)) << text;
  }
}

TEST(CheckJson, TakesNumbersThatNoDoubleAndNoIntegerHolds) {
  for (const char* text :
       {"1e400", "-1e400", "1e-400", "18446744073709551616", "-9223372036854775809",
        "1234567890123456789012345678901234567890123456789012345678901234567890",
        "0.1234567890123456789012345678901234567890e+1234567890"}) {
    EXPECT_TRUE(check_json(text)) << text;
  }
}

TEST(CheckJson, SaysWhereAndWhyItRefuses) {
  struct Case {
    std::string text;
    std::size_t offset;
    const char* why;
  };
  const std::vector<Case> cases = {
      {"", 0, "a value is missing"},
      {"  ", 2, "a value is missing"},
      {"\xef\xbb\xbf{}", 0, "a value is missing"},
      {"{} {}", 3, "something follows the value"},
      {std::string("{}\0", 3), 2, "something follows the value"},
      {"{\"a\":tru}", 8, "unknown word"},
      {"nul", 3, "unknown word"},
      {"True", 0, "a value is missing"},
      {"01", 1, "number with a leading zero"},
      {"-", 1, "a digit must come here"},
      {"-a", 1, "a digit must come here"},
      {"1.", 2, "a digit must come here"},
      {".5", 0, "a value is missing"},
      {"+1", 0, "a value is missing"},
      {"1e", 2, "a digit must come here"},
      {"1e+", 3, "a digit must come here"},
      {"0x1", 1, "something follows the value"},
      {"NaN", 0, "a value is missing"},
      {"[1,]", 3, "a value is missing"},
      {"[1 2]", 3, "a comma or ] is missing"},
      {"[1}", 2, "a comma or ] is missing"},
      {"[", 1, "a value is missing"},
      {"{\"a\":1,}", 7, "a key is missing"},
      {"{a:1}", 1, "a key is missing"},
      {"{\"a\" 1}", 5, "a colon is missing"},
      {"{\"a\":1]", 6, "a comma or } is missing"},
      {"{\"a\":1", 6, "a comma or } is missing"},
      {"\"abc", 4, "the string does not end"},
      {"\"abc\\", 5, "the string does not end"},
      {"\"a\nb\"", 2, "control character in a string"},
      {std::string("\"a\0b\"", 5), 2, "control character in a string"},
      {R"("\x41")", 1, "unknown escape in a string"},
      {std::string("\"\\\0\"", 4), 1, "unknown escape in a string"},
      {R"("\u12g4")", 1, "\\u without four hex digits"},
      {R"("\u12")", 1, "\\u without four hex digits"},
      {R"("\ud800")", 1, "lone surrogate"},
      {R"("\udc00")", 1, "lone surrogate"},
      {R"("\ud800\ud800")", 1, "lone surrogate"},
      {R"("\ud800\u0041")", 1, "lone surrogate"},
      {R"("\ud800xudc00")", 1, "lone surrogate"},
      {"\"a\x80\"", 2, "not UTF-8"},
      {"[\"\xc3\xa9\",\"\xed\xa0\x80\"]", 7, "not UTF-8"},
      {"\"\xc0\x80\"", 1, "not UTF-8"},
      {"\"\xf4\x90\x80\x80\"", 1, "not UTF-8"},
      {"\xc3\xa9", 0, "a value is missing"},
      {"'a'", 0, "a value is missing"},
      {"[1]//", 3, "something follows the value"},
  };
  for (const Case& c : cases) {
    const auto result = check_json(c.text);
    ASSERT_FALSE(result) << c.text;
    EXPECT_EQ(result.error().offset, c.offset) << c.text;
    EXPECT_STREQ(result.error().text, c.why) << c.text;
  }
}

TEST(CheckJson, HoldsTheDepthAtItsBound) {
  for (const char* brackets : {"[]", "{}"}) {
    for (std::size_t depth : {kJsonDepthMax - 1, kJsonDepthMax}) {
      EXPECT_TRUE(check_json(nested(depth, brackets[0], brackets[1]))) << depth;
    }
    const auto result = check_json(nested(kJsonDepthMax + 1, brackets[0], brackets[1]));
    ASSERT_FALSE(result);
    EXPECT_STREQ(result.error().text, "nested too deep");
    EXPECT_TRUE(result.error().is_too_deep);
  }
  EXPECT_FALSE(check_json(std::string(1'000'000, '[')));
  // Depth is what is open at once, not what was opened.
  EXPECT_TRUE(check_json("[" + repeated("[],", 100) + "[]]"));
}

TEST(CheckJson, RefusesEveryPrefix) {
  const std::string text =
      R"({"op":"publish","id":-12.5e+7,"data":{"a":[true,false,null,"\u00e9\ud83d\ude00\\ long enough for vectors"]}})";
  for (std::size_t size = 0; size < text.size(); ++size) {
    // A copy of the exact size: what is read behind it is seen by the address sanitizer.
    const std::vector<char> prefix(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(check_json(ByteView(prefix.data(), size))) << size;
  }
  EXPECT_TRUE(check_json(text));
}

TEST(CheckJson, FindsABadByteAtEveryPlaceOfAString) {
  for (std::size_t size = 1; size < 70; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const char bad : {'\x01', '\x1f', '\xff', '\x80'}) {
        std::string text = '"' + std::string(size, 'x') + '"';
        text[1 + at] = bad;
        const auto result = check_json(text);
        ASSERT_FALSE(result) << size << ' ' << at;
        EXPECT_EQ(result.error().offset, 1 + at);
      }
    }
  }
}

/// Makes random JSON, with the spellings that a scanner could get wrong.
class JsonMaker {
 public:
  explicit JsonMaker(std::uint64_t seed) : random_(seed) {}

  std::string value(int depth) {
    switch (random_.below(depth > 0 ? 9 : 6)) {
      case 0:
        return pick({"null", "true", "false"});
      case 1:
      case 2:
        return pick({"0", "-0", "7", "-12", "0.5", "1e9", "1E-7", "123456.789e+10", "1e999",
                     "123456789012345678901234567890"});
      case 3:
      case 4:
      case 5:
        return string();
      case 6:
      case 7:
        return list('{', '}', depth);
      default:
        return list('[', ']', depth);
    }
  }
  std::string mutated(std::string text) {
    for (std::uint64_t edits = 1 + random_.below(3); edits > 0 && !text.empty(); --edits) {
      const std::size_t at = random_.below(text.size());
      static constexpr ByteView kBytes =
          "\"\\{}[]:,0123456789.eE+-tfnu \n\x00\x1f\x7f\x80\xc3\xed\xf0\xff/";
      const char byte = kBytes[random_.below(kBytes.size())];
      switch (random_.below(4)) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.insert(at, 1, byte);
          break;
        case 2:
          text.erase(at, 1 + random_.below(3));
          break;
        default:
          text.insert(at, text.substr(random_.below(text.size()), random_.below(8)));
          break;
      }
    }
    return text;
  }

 private:
  std::string pick(std::vector<std::string> choices) {
    return choices[random_.below(choices.size())];
  }
  std::string space() { return pick({"", "", "", " ", "\n\t", "\r  "}); }
  std::string string() {
    std::string text = "\"";
    for (std::uint64_t pieces = random_.below(6); pieces > 0; --pieces) {
      text += pick({"a", "topic", "quite a long run of plain text", "\\\"", "\\\\", "\\u0041",
                    "\\ud83d\\ude00", "\\n", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "/",
                    "{[", "]}", ",:", "\\\\\\\""});
    }
    return text + '"';
  }
  std::string list(char open, char close, int depth) {
    std::string text(1, open);
    const std::uint64_t count = random_.below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      text += (i == 0 ? "" : ",") + space();
      text += open == '{' ? string() + space() + ":" + space() : "";
      text += value(depth - 1) + space();
    }
    return text + close;
  }

  SplitMix64 random_;
};

TEST(CheckJson, AgreesWithASlowCheckerAndWithSimdjsonOnRandomTexts) {
  simdjson::dom::parser dom;
  int accepted = 0;
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 40'000; ++seed) {
    JsonMaker maker(seed);
    std::string text = maker.value(5);
    if (seed % 4 != 0) {
      text = maker.mutated(text);
    }
    const bool expected = test::JsonOracle::accepts(text, kJsonDepthMax);
    const auto result = check_json(text);
    ASSERT_EQ(result.has_value(), expected) << "seed " << seed << ": " << text;
    (expected ? accepted : refused) += 1;

    const simdjson::error_code code = dom.parse(text).error();
    if (code == simdjson::SUCCESS) {
      ASSERT_TRUE(expected) << "seed " << seed << ": " << text;
    } else if (expected) {
      ASSERT_EQ(code, simdjson::NUMBER_ERROR) << "seed " << seed << ": " << text;
    }
  }
  EXPECT_GT(accepted, 8'000);
  EXPECT_GT(refused, 8'000);
}

/// Compares what iteration gives with what simdjson's DOM has, all the way down.
void expect_same(JsonValue value, simdjson::dom::element expected) {
  std::string scratch;
  switch (value.type) {
    case JsonType::kNull:
      ASSERT_TRUE(expected.is_null());
      ASSERT_EQ(value.raw, "null");
      break;
    case JsonType::kBoolean:
      ASSERT_TRUE(expected.is_bool());
      ASSERT_EQ(value.boolean(), expected.get_bool().value());
      break;
    case JsonType::kNumber:
      ASSERT_TRUE(expected.is_number());
      ASSERT_EQ(value.as_double(), expected.get_double().value());
      break;
    case JsonType::kString:
      ASSERT_TRUE(expected.is_string());
      ASSERT_EQ(value.string(scratch), expected.get_string().value());
      break;
    case JsonType::kArray: {
      ASSERT_TRUE(expected.is_array());
      auto other = expected.get_array().value().begin();
      std::size_t count = 0;
      for (JsonValue element : value.elements()) {
        expect_same(element, *other);
        ++other;
        ++count;
      }
      ASSERT_EQ(count, expected.get_array().value().size());
      break;
    }
    case JsonType::kObject: {
      ASSERT_TRUE(expected.is_object());
      const JsonObject object = value.as_object();
      ASSERT_EQ(object.size(), expected.get_object().value().size());
      auto other = expected.get_object().value().begin();
      for (const JsonObject::Member& member : object) {
        const JsonValue key{JsonType::kString,
                            ByteView(member.raw_key.data() - 1, member.raw_key.size() + 2)};
        ASSERT_EQ(key.string(scratch), other.key());
        expect_same(member.value, other.value());
        ASSERT_NE(object.find(other.key()), nullptr);
        ++other;
      }
      break;
    }
  }
}

TEST(JsonValue, ReadsTheSameAsSimdjsonFromRandomTexts) {
  simdjson::dom::parser dom;
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    JsonMaker maker(seed);
    const std::string text = "{\"a\": " + maker.value(5) + " ,\"b\":" + maker.value(5) + "}";
    auto expected = dom.parse(text);
    if (expected.error() != simdjson::SUCCESS) {
      continue;  // a number that only we take
    }
    const auto object = parse_json_object(text);
    ASSERT_TRUE(object) << text;
    expect_same(*object->find("a"), expected.value()["a"].value());
    expect_same(*object->find("b"), expected.value()["b"].value());
    if (HasFatalFailure()) {
      FAIL() << "seed " << seed << ": " << text;
    }
    ++compared;
  }
  EXPECT_GT(compared, 3'000);
}

TEST(ParseJsonObject, GivesMembersWithTheirExactSlices) {
  const std::string text =
      R"( {"op" : "publish" ,"id":7, "data": { "x" : [1, 2.50] , "s":"}]\"" } ,"no":null,"yes":true} )";
  const auto object = parse_json_object(text);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->size(), 5U);
  EXPECT_EQ(object->find("op")->raw, "\"publish\"");
  EXPECT_EQ(object->find("id")->raw, "7");
  EXPECT_EQ(object->find("data")->raw, R"({ "x" : [1, 2.50] , "s":"}]\"" })");
  EXPECT_EQ(object->find("data")->type, JsonType::kObject);
  EXPECT_TRUE(object->find("no")->is_null());
  EXPECT_EQ(object->find("yes")->boolean(), true);
  EXPECT_EQ(object->find("absent"), nullptr);
  EXPECT_EQ(object->find(""), nullptr);
}

TEST(ParseJsonObject, RefusesWhatIsNoObject) {
  for (const char* text : {"[]", "1", "\"{}\"", "null", " [{}]"}) {
    const auto object = parse_json_object(text);
    ASSERT_FALSE(object) << text;
    EXPECT_STREQ(object.error().text, "an object is expected");
  }
  EXPECT_FALSE(parse_json_object(""));
  EXPECT_FALSE(parse_json_object("{\"a\":1"));
}

TEST(ParseJsonObject, ChecksWhatIsNeverLookedAt) {
  EXPECT_FALSE(parse_json_object(R"({"op":"publish","data":{"x":tru}})"));
  EXPECT_FALSE(parse_json_object("{\"op\":\"publish\",\"data\":\"\xff\"}"));
}

TEST(ParseJsonObject, TakesTheFirstOfDuplicateKeys) {
  const auto object = parse_json_object(R"({"a":1,"\u0061":2,"a":3,"\u0062":4,"b":5})");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->find("a")->raw, "1");
  EXPECT_EQ(object->find("b")->raw, "4");
}

TEST(ParseJsonObject, ResolvesEscapesInKeys) {
  const auto object = parse_json_object(R"({"\u006fp":1,"a\/b":2,"\ud83d\ude00":3,"":4})");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->find("op")->raw, "1");
  EXPECT_EQ(object->find("a/b")->raw, "2");
  EXPECT_EQ(object->find("\xf0\x9f\x98\x80")->raw, "3");
  EXPECT_EQ(object->find("")->raw, "4");
  EXPECT_EQ(object->find("\\u006fp"), nullptr);
}

TEST(ParseJsonObject, NamesMembersByTheirKeys) {
  SplitMix64 random(5);
  for (int i = 0; i < 2'000; ++i) {
    std::string key;
    std::string escaped;
    for (std::uint64_t bytes = random.below(11); key.size() < bytes;) {
      const auto letter = static_cast<char>('a' + random.below(3));
      key.push_back(letter);
      escaped.append(random.below(2) == 0 ? std::string(1, letter)
                                          : "\\u006" + std::to_string(letter & 15));
    }
    const std::string text = "{\"" + key + "\":1,\"" + escaped + "\":2}";
    const auto object = parse_json_object(text);
    ASSERT_TRUE(object);
    EXPECT_EQ(object->begin()->name(), json_name(key)) << key;
    EXPECT_EQ((object->begin() + 1)->name(), json_name(key)) << escaped;
    EXPECT_EQ(json_name(key) == 0, key.empty() || key.size() > 8) << key;
  }
  EXPECT_NE(json_name("ab"), json_name("ba"));
  EXPECT_NE(json_name("a"), json_name("aa"));
}

TEST(ParseJsonObject, IsCopiedWithItsMembers) {
  const auto object = parse_json_object(R"({"a":1,"\u0062":2})");
  ASSERT_TRUE(object);
  const JsonObject copy = *object;
  ASSERT_EQ(copy.size(), 2U);
  EXPECT_EQ((copy.begin() + 1)->name(), json_name("b"));
  EXPECT_EQ(copy.find("b")->raw, "2");
}

/// As a number it could not be told from the key without it.
TEST(ParseJsonObject, NamesNoMemberWhoseKeyHasAZeroByte) {
  const auto object = parse_json_object(R"({"op\u0000":1,"\u0000":2,"\u0000op":3,"o\u0000p":4})");
  ASSERT_TRUE(object);
  ASSERT_EQ(object->size(), 4U);
  for (const JsonObject::Member& member : *object) {
    EXPECT_EQ(member.name(), 0U) << member.raw_key;
  }
  EXPECT_EQ(object->find("op"), nullptr);
  EXPECT_EQ(object->find(ByteView("op\0", 3))->raw, "1");
}

/// The text's last bytes are read as part of a block that reaches back.
TEST(ParseJsonObject, EndsStringsAtTheirQuoteWhateverStandsAroundTheText) {
  for (std::size_t bytes = 0; bytes < 70; ++bytes) {
    const std::string inside(bytes, 'x');
    const std::string text = R"({"k":")" + inside + "\"}";
    for (const char around : {'"', '\\', '\x01', 'y', '\xff'}) {
      const std::string buffer = std::string(20, around) + text + std::string(20, around);
      const ByteView here = ByteView(buffer).substr(20, text.size());
      const auto object = parse_json_object(here);
      ASSERT_TRUE(object) << bytes;
      std::string scratch;
      EXPECT_EQ(object->find("k")->string(scratch), inside);
      EXPECT_TRUE(scratch.empty());
      for (std::size_t cut = 0; cut < text.size(); ++cut) {
        ASSERT_FALSE(check_json(here.substr(0, cut))) << bytes << " cut at " << cut;
      }
    }
    for (std::size_t at = 0; at < bytes; ++at) {
      std::string bad = text;
      bad[6 + at] = '\xff';
      const auto refused = parse_json_object(ByteView(bad));
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().offset, 6 + at);
      EXPECT_STREQ(refused.error().text, "not UTF-8");
    }
  }
}

TEST(ParseJsonObject, KeepsTheFirst32MembersAndChecksTheRest) {
  std::string text = "{";
  for (int i = 0; i < 40; ++i) {
    text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":" + std::to_string(i);
  }
  const std::string closed = text + "}";
  const auto object = parse_json_object(closed);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->size(), kJsonMembersMax);
  EXPECT_EQ(object->find("k31")->raw, "31");
  EXPECT_EQ(object->find("k32"), nullptr);
  EXPECT_FALSE(check_json(text + ",\"bad\":tru}"));

  const std::string outer = "[" + text + "}]";
  const JsonValue array{JsonType::kArray, outer};
  EXPECT_EQ(array.elements().begin()->as_object().size(), kJsonMembersMax);
}

TEST(JsonValue, TellsIntegersFromOtherNumbers) {
  const auto number = [](const char* text) { return JsonValue{JsonType::kNumber, text}; };
  for (const char* text : {"0", "-0", "7", "-12", "123456789012345678901234567890"}) {
    EXPECT_TRUE(number(text).is_integer()) << text;
  }
  for (const char* text : {"0.0", "1e5", "1E5", "-1.5"}) {
    EXPECT_FALSE(number(text).is_integer()) << text;
    EXPECT_EQ(number(text).as_uint64(), std::nullopt) << text;
  }
  EXPECT_FALSE((JsonValue{JsonType::kString, "\"7\""}).is_integer());
  EXPECT_EQ((JsonValue{JsonType::kString, "\"7\""}).as_uint64(), std::nullopt);
  EXPECT_EQ(number("0").as_uint64(), 0U);
  EXPECT_EQ(number("18446744073709551615").as_uint64(), UINT64_MAX);
  EXPECT_EQ(number("18446744073709551616").as_uint64(), std::nullopt);
  EXPECT_EQ(number("-1").as_uint64(), std::nullopt);
  EXPECT_EQ(number("2.5e-1").as_double(), 0.25);
  EXPECT_EQ(number("1e400").as_double(), std::nullopt);
  EXPECT_EQ((JsonValue{JsonType::kNull, "null"}).as_double(), std::nullopt);
}

TEST(JsonValue, CopiesAStringOnlyWhereItHasEscapes) {
  const std::string plain = "\"plain\"";
  std::string scratch = "untouched";
  const ByteView view = (JsonValue{JsonType::kString, plain}).string(scratch);
  EXPECT_EQ(view, "plain");
  EXPECT_EQ(view.data(), plain.data() + 1);
  EXPECT_EQ(scratch, "untouched");
  EXPECT_EQ(
      (JsonValue{JsonType::kString,
                 R"("\u0000\u007f\u0080\u07ff\u0800\uffff\ud800\udc00\udbff\udfff")"})
          .string(scratch),
      ByteView("\0\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
               20));
  EXPECT_EQ((JsonValue{JsonType::kString, R"("\"\\\/\b\f\n\r\t")"}).string(scratch),
            "\"\\/\b\f\n\r\t");
  EXPECT_EQ((JsonValue{JsonType::kNumber, "12"}).string(scratch), "");
}

TEST(JsonValue, GoesThroughAThousandTopics) {
  std::string text = R"({"op":"subscribe","id":1,"topics":[)";
  for (int i = 0; i < 1000; ++i) {
    text += (i == 0 ? " {" : " , {") + std::string("\"topic\":\"t.") + std::to_string(i) +
            "\",\"after\" : \"0-" + std::to_string(i) + "\"}";
  }
  text += "\n]}";
  const auto object = parse_json_object(text);
  ASSERT_TRUE(object);
  int i = 0;
  std::string scratch;
  for (JsonValue element : object->find("topics")->elements()) {
    const JsonObject topic = element.as_object();
    EXPECT_EQ(topic.find("topic")->string(scratch), "t." + std::to_string(i));
    EXPECT_EQ(topic.find("after")->string(scratch), "0-" + std::to_string(i));
    ++i;
  }
  EXPECT_EQ(i, 1000);
}

TEST(ParseJson, GivesTheValueWithoutTheSpaceAroundIt) {
  const auto value = parse_json(" \n{\"a\": [1]} ");
  ASSERT_TRUE(value);
  EXPECT_TRUE(value->is_object());
  EXPECT_EQ(value->raw, "{\"a\": [1]}");
  EXPECT_EQ(parse_json("7")->raw, "7");
  EXPECT_FALSE(parse_json(""));
  EXPECT_FALSE(parse_json("{} {}"));
  EXPECT_EQ(parse_json("[\xff]").error().offset, 1U);
}

TEST(JsonMembers, AreAllOfThemHoweverManyAndHoweverOften) {
  std::string text = "{ ";
  for (int i = 0; i < 100; ++i) {
    text += "\"k" + std::to_string(i % 50) + "\" : [" + std::to_string(i) + "] , ";
  }
  text += R"("\u0061\n":null })";
  const auto value = parse_json(text);
  ASSERT_TRUE(value);
  std::string scratch;
  int count = 0;
  for (JsonMembers members(*value); members.next(); ++count) {
    if (count < 100) {
      EXPECT_EQ(members.member().key(scratch), "k" + std::to_string(count % 50));
      EXPECT_EQ(members.member().value.raw, "[" + std::to_string(count) + "]");
    } else {
      EXPECT_EQ(members.member().key(scratch), "a\n");
    }
  }
  EXPECT_EQ(count, 101);
  for (const char* none : {"{}", "{ }", "[1]", "7", "\"{}\""}) {
    JsonMembers members(*parse_json(none));
    EXPECT_FALSE(members.next()) << none;
    EXPECT_FALSE(members.next()) << none;
  }
}

TEST(JsonValue, HasNoElementsAndNoMembersWhereItIsSomethingElse) {
  for (const char* text : {"[]", "[ \n ]"}) {
    for (JsonValue element : (JsonValue{JsonType::kArray, text}).elements()) {
      ADD_FAILURE() << element.raw;
    }
  }
  for (JsonValue element : (JsonValue{JsonType::kObject, "{\"a\":[1]}"}).elements()) {
    ADD_FAILURE() << element.raw;
  }
  EXPECT_EQ((JsonValue{JsonType::kArray, "[1]"}).as_object().size(), 0U);
  EXPECT_EQ((JsonValue{JsonType::kObject, "{ }"}).as_object().size(), 0U);
}

std::string json_string(ByteView text) {
  std::string out = "x";
  append_json_string(out, text);
  EXPECT_EQ(out[0], 'x');
  return out.substr(1);
}

TEST(AppendJsonString, EscapesWhatMustBe) {
  EXPECT_EQ(json_string(""), "\"\"");
  EXPECT_EQ(json_string("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(json_string(ByteView("\0\x01\b\t\n\f\r\x1f\x7f", 9)),
            "\"\\u0000\\u0001\\b\\t\\n\\f\\r\\u001f\x7f\"");
  EXPECT_EQ(json_string("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"");
}

TEST(AppendJsonString, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(json_string("a\xff"
                        "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(json_string("\xc3"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(json_string("\n\xed\xa0\x80"), "\"\\n\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(AppendJsonString, RoundTripsAnyBytesThatAreUtf8) {
  SplitMix64 random(7);
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    const std::uint64_t size = random.below(60);
    while (text.size() < size) {
      text += random.below(5) == 0 ? std::string("\xe6\x97\xa5")
                                   : std::string(1, static_cast<char>(random.below(128)));
    }
    const std::string quoted = json_string(text);
    ASSERT_TRUE(check_json(quoted)) << quoted;
    std::string scratch;
    ASSERT_EQ((JsonValue{JsonType::kString, quoted}).string(scratch), text);
  }
}

}  // namespace
}  // namespace wspush
