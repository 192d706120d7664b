#include "api/message_entry.hpp"

#include "unit/api/api_harness.hpp"

namespace wspush::api {
namespace {

class MessageEntry : public ApiTest {
 protected:
  MessageEntry() {
    config::Config config;
    config.topics = {config::TopicRule{.match = "a"}};
    config.topics[0].message_bytes = 16;
    configure(std::move(config));
    const FakeExchange exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, 1);
    auto identified = Caller::identify(exchange, context.config);
    EXPECT_TRUE(identified.has_value());
    caller = std::move(*identified);
  }

  /// "topic kind payload key", or the error's code.
  std::string read(const std::string& text) {
    const auto object = parse_json_object(text);
    EXPECT_TRUE(object.has_value()) << text;
    const auto entry = read_entry(*object, caller, context);
    if (!entry) {
      return std::string(entry.error().code);
    }
    const hub::Message& message = *entry->message;
    const char* const kinds[] = {"json", "text", "binary"};
    return std::string(entry->topic) + " " + kinds[static_cast<int>(message.kind())] + " " +
           std::string(message.payload()) + " [" + std::string(message.key()) + "]";
  }

  static std::string hex(char byte) {
    const char* const digits = "0123456789abcdef";
    return {digits[byte >> 4], digits[byte & 15]};
  }

  Caller caller;
};

TEST_F(MessageEntry, ReadsTheThreeKinds) {
  EXPECT_EQ(read(R"({"topic":"a","data": {"x": [1, 2]} })"), R"(a json {"x": [1, 2]} [])");
  EXPECT_EQ(read(R"({"topic":"a","data":null})"), "a json null []");
  EXPECT_EQ(read(R"({"topic":"a","text":"l1\nl2","key":"K"})"), "a text l1\nl2 [K]");
  EXPECT_EQ(read(R"({"key":"\u004b","base64":"\u0061GV5","topic":"\u0061"})"), "a binary hey [K]");
  EXPECT_EQ(read(R"({"topic":"a","text":"","key":null,"other":1})"), "a text  []");
  EXPECT_EQ(read(R"({"topic":"a","base64":"","key":""})"), "a binary  []");
}

TEST_F(MessageEntry, RefusesWhatIsNone) {
  for (const char* text : {
           R"({})",
           R"({"topic":"a"})",
           R"({"topic":1,"data":1})",
           R"({"data":1})",
           R"({"topic":"a","data":1,"text":"x"})",
           R"({"topic":"a","text":"x","base64":""})",
           R"({"topic":"a","text":1})",
           R"({"topic":"a","text":null})",
           R"({"topic":"a","base64":7})",
           R"({"topic":"a","base64":"aGV"})",
           R"({"topic":"a","base64":"a-_="})",
           R"({"topic":"a","base64":"aGV5\n"})",
           R"({"topic":"a","data":1,"key":1})",
           R"({"topic":"a","data":1,"key":{}})",
       }) {
    EXPECT_EQ(read(text), "bad_request") << text;
  }
  EXPECT_EQ(read(R"({"topic":"a.*","data":1})"), "bad_topic");
  EXPECT_EQ(read(R"({"topic":"","data":1})"), "bad_topic");
  EXPECT_EQ(read(R"({"topic":"b","data":1})"), "forbidden");
}

TEST_F(MessageEntry, ReadsTheSameWhereNamesAreWrittenWithEscapes) {
  SplitMix64 random(11);
  const std::string names[] = {"topic", "key", "data", "text", "base64", "other", "top"};
  const std::string values[] = {"\"a\"", "\"aGV5\"",         "1", "null", "\"\"",
                                "\"b\"", "{\"topic\":\"b\"}"};
  int published = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string plain = R"({"topic":"a")";
    std::string tricky = R"({"t\u006fpic":"a")";
    if (random.below(4) == 0) {
      plain = tricky = R"({"x":0)";
    }
    for (std::uint64_t more = random.below(4); more > 0; --more) {
      const std::string& name = names[random.below(std::size(names))];
      const std::string value = "\":" + values[random.below(std::size(values))];
      plain += ",\"" + name + value;
      tricky +=
          ",\"" + (random.below(2) == 0 ? name : "\\u00" + hex(name[0]) + name.substr(1)) + value;
    }
    const std::string wanted = read(plain + "}");
    ASSERT_EQ(read(tricky + "}"), wanted) << plain;
    published += wanted.starts_with("a ") ? 1 : 0;
  }
  EXPECT_GT(published, 1'000);
}

/// "data" and a zero byte is another name.
TEST_F(MessageEntry, IgnoresANameThatGoesOnWithAZeroByte) {
  EXPECT_EQ(read(R"({"topic":"a","text":"x","data\u0000":1})"), "a text x []");
  EXPECT_EQ(read(R"({"topic\u0000":"b","topic":"a","text":"x"})"), "a text x []");
}

TEST_F(MessageEntry, HoldsTheBounds) {
  const std::string key(255, 'k');
  EXPECT_EQ(read(R"({"topic":"a","text":"x","key":")" + key + "\"}"), "a text x [" + key + "]");
  EXPECT_EQ(read(R"({"topic":"a","text":"x","key":")" + key + "k\"}"), "bad_request");
  EXPECT_EQ(read(R"({"topic":"a","text":"0123456789abcdef"})"), "a text 0123456789abcdef []");
  EXPECT_EQ(read(R"({"topic":"a","text":"0123456789abcdefg"})"), "too_large");
  EXPECT_EQ(read(R"({"topic":"a","data":"0123456789abcd"})"), R"(a json "0123456789abcd" [])");
  EXPECT_EQ(read(R"({"topic":"a","data":"0123456789abcde"})"), "too_large");
  EXPECT_EQ(read(R"({"topic":"a","base64":"MDEyMzQ1Njc4OWFiY2RlZg=="})"),
            "a binary 0123456789abcdef []");
  EXPECT_EQ(read(R"({"topic":"a","base64":"MDEyMzQ1Njc4OWFiY2RlZmc="})"), "too_large");
}

}  // namespace
}  // namespace wspush::api
