#include "options.hpp"

#include <initializer_list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace wspush::load {
namespace {

Result<Options, std::string> parse(std::initializer_list<const char*> arguments) {
  std::vector<std::string> texts{"fan_out"};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& text : texts) {
    argv.push_back(text.data());
  }
  return parse_options(static_cast<int>(argv.size()), argv.data());
}

TEST(LoadOptions, TakesWhatIsSaid) {
  const auto options =
      parse({"--server", "127.0.0.1:8080", "--door", "wspush.v1", "--publish", "http", "--api",
             "127.0.0.1:8081", "--subscribers", "10", "--window", "16", "--duration", "0.5"});
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->server.to_string(), "127.0.0.1:8080");
  EXPECT_EQ(options->api->port, 8081);
  EXPECT_EQ(options->door, Door::kWspushV1);
  EXPECT_EQ(options->publish_by, PublishBy::kHttp);
  EXPECT_EQ(options->subscribers, 10U);
  EXPECT_EQ(options->window, 16U);
  EXPECT_EQ(options->duration, std::chrono::milliseconds(500));
  EXPECT_EQ(options->messages, 0U);
}

TEST(LoadOptions, ChecksAHundredMessagesFromTheFirstOn) {
  const auto options = parse({"--server", "127.0.0.1:1", "--check"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->messages, 100U);
  EXPECT_EQ(options->warm_up.count(), 0);
  const auto own = parse({"--server", "127.0.0.1:1", "--check", "--messages", "7"});
  ASSERT_TRUE(own);
  EXPECT_EQ(own->messages, 7U);
}

TEST(LoadOptions, RefusesWhatIsUnknownMissingOrOutOfBounds) {
  for (const auto& arguments : std::initializer_list<std::initializer_list<const char*>>{
           {},
           {"--server"},
           {"--server", "localhost:1"},
           {"--server", "127.0.0.1:65536"},
           {"--server", "127.0.0.1:1", "--subscribers", "0"},
           {"--server", "127.0.0.1:1", "--subscribers", "-1"},
           {"--server", "127.0.0.1:1", "--payload-bytes", "15"},
           {"--server", "127.0.0.1:1", "--window", "4097"},
           {"--server", "127.0.0.1:1", "--rate", "nan"},
           {"--server", "127.0.0.1:1", "--door", "echo"},
           {"--server", "127.0.0.1:1", "--speed", "1"},
           {"--server", "127.0.0.1:1", "--publish", "http"},
           {"--server", "127.0.0.1:1", "--door", "floor", "--publish", "http", "--api",
            "127.0.0.1:2"},
       }) {
    EXPECT_FALSE(parse(arguments)) << (arguments.size() > 2 ? arguments.begin()[2] : "");
  }
}

}  // namespace
}  // namespace wspush::load
