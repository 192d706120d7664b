#include "cli/options.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Arguments = std::vector<const char*>;

Result<Options, std::string> parse(const Arguments& arguments) {
  return parse_options({arguments.data(), arguments.size()});
}

TEST(Options, HaveDefaultsOfALocalServer) {
  const auto options = parse({"sub", "a"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->url.url, "ws://127.0.0.1:8080");
  EXPECT_EQ(options->api.url, "http://127.0.0.1:8081");
  EXPECT_FALSE(options->retry);
  EXPECT_EQ(options->subscribe.format, LineFormat::kRaw);
  EXPECT_FALSE(options->subscribe.count);
  EXPECT_FALSE(options->subscribe.after);
}

TEST(Options, OfSubAreTaken) {
  const auto options =
      parse({"sub", "--count", "3", "a", "--after=00000000-7", "b", "a", "--format", "json",
             "--url", "ws://h:1/p", "--api", "http://i", "--token", "t.o.k", "--key=k", "--retry"});
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->command, Options::Command::kSubscribe);
  EXPECT_THAT(options->subscribe.topics, ElementsAre("a", "b"));
  EXPECT_EQ(options->subscribe.count, 3U);
  EXPECT_EQ(options->subscribe.after, "00000000-7");
  EXPECT_EQ(options->subscribe.format, LineFormat::kJson);
  EXPECT_EQ(options->url.url, "ws://h:1/p");
  EXPECT_EQ(options->api.url, "http://i");
  EXPECT_EQ(options->token, "t.o.k");
  EXPECT_EQ(options->api_key, "k");
  EXPECT_TRUE(options->retry);
}

TEST(Options, OfPubAreTaken) {
  const auto options = parse({"pub", "a", "hello world", "--text", "--message-key", "K",
                              "--idempotency-key", "i", "--verbose"});
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->command, Options::Command::kPublish);
  EXPECT_EQ(options->publish.topic, "a");
  EXPECT_EQ(options->publish.data, "hello world");
  EXPECT_EQ(options->publish.type, PayloadType::kText);
  EXPECT_EQ(options->publish.message_key, "K");
  EXPECT_EQ(options->publish.idempotency_key, "i");
  EXPECT_TRUE(options->publish.verbose);
  EXPECT_FALSE(options->publish.ndjson);
}

TEST(Options, OfPubReadStandardInputWithoutData) {
  EXPECT_FALSE(parse({"pub", "a"})->publish.data);
  EXPECT_FALSE(parse({"pub", "a", "-"})->publish.data);
  EXPECT_EQ(parse({"pub", "a", ""})->publish.data, "");
}

TEST(Options, OfPubTakeWhatLooksLikeAnOptionBehindTwoDashes) {
  EXPECT_EQ(parse({"pub", "a", "-5"})->publish.data, "-5");
  EXPECT_EQ(parse({"pub", "--", "a", "--json"})->publish.data, "--json");
  EXPECT_EQ(parse({"pub", "--", "a", "--help"})->publish.data, "--help");
  EXPECT_FALSE(parse({"pub", "a", "--nope"}));
}

TEST(Options, OfNdjsonMayHaveATopic) {
  EXPECT_EQ(parse({"pub", "--ndjson", "a"})->publish.topic, "a");
  EXPECT_EQ(parse({"pub", "a", "-", "--ndjson"})->publish.topic, "a");
  EXPECT_FALSE(parse({"pub", "--ndjson"})->publish.topic);
  EXPECT_FALSE(parse({"pub", "--ndjson", "-"})->publish.topic);
}

TEST(Options, AreRefusedWithWhatIsWrong) {
  const struct {
    Arguments arguments;
    const char* error;
  } cases[] = {
      {{}, "sub, pub or bench?"},
      {{"nope"}, "unknown command nope"},
      {{"bench"}, "unknown command bench"},
      {{"--count", "1"}, "the command comes first"},
      {{"sub"}, "sub wants a topic"},
      {{"sub", "--nope", "x"}, "unknown option --nope"},
      {{"sub", "x", "-q"}, "unknown option -q"},
      {{"sub", "x", "--count"}, "--count wants a value"},
      {{"sub", "x", "--count", "0"}, "--count: "},
      {{"sub", "x", "--count", "many"}, "--count: "},
      {{"sub", "x", "--count", "1x"}, "--count: "},
      {{"sub", "x", "--count", "-1"}, "--count: "},
      {{"sub", "x", "--count", "18446744073709551616"}, "--count: "},
      {{"sub", "x", "--format", "xml"}, "neither raw nor json"},
      {{"sub", "x", "--after", ""}, "--after: "},
      {{"sub", "x", "--url", "nonsense"}, "--url: \"nonsense\""},
      {{"sub", "x", "--token", "a\r\nX: y"}, "--token: "},
      {{"sub", "x", "--token", ""}, "--token: "},
      {{"sub", "x", "--retry=1"}, "--retry takes no value"},
      {{"sub", "x", "--ndjson"}, "--ndjson belongs to wspush pub"},
      {{"pub", "x", "--count", "1"}, "--count belongs to wspush sub"},
      {{"pub"}, "pub wants a topic"},
      {{"pub", "a", "b", "c"}, "one payload"},
      {{"pub", "a", "b", "--json", "--text"}, "--text: stands beside another type"},
      {{"pub", "a", "1", "--ndjson"}, "standard input"},
      {{"pub", "a", "--ndjson", "--text"}, "--ndjson"},
      {{"pub", "--ndjson", "--message-key", "k"}, "--message-key wants a TOPIC"},
      {{"pub", "a", "--ndjson", "--idempotency-key", "k"}, "--idempotency-key"},
      {{"pub", "a", "1", "--message-key", "a\nb"}, "--message-key: "},
  };
  for (const auto& c : cases) {
    const auto options = parse(c.arguments);
    ASSERT_FALSE(options) << c.error;
    EXPECT_THAT(options.error(), HasSubstr(c.error));
    EXPECT_THAT(options.error(), HasSubstr("see wspush --help"));
  }
}

TEST(Options, SayWhomToTrustOverTls) {
  EXPECT_TRUE(parse({"sub", "a"})->tls.verifies);
  EXPECT_EQ(parse({"sub", "a", "--ca", "ca.pem"})->tls.ca_file, "ca.pem");
  EXPECT_FALSE(parse({"pub", "a", "--insecure"})->tls.verifies);
  EXPECT_FALSE(parse({"sub", "a", "--ca", ""}));
  EXPECT_THAT(parse({"sub", "a", "--ca", "ca.pem", "--insecure"}).error(),
              HasSubstr("--ca and --insecure: one of the two"));
}

TEST(Options, AskForHelpAnywhere) {
  for (const Arguments& arguments :
       {Arguments{"--help"}, {"-h"}, {"sub", "--help"}, {"pub", "a", "-h", "--nope"}}) {
    ASSERT_TRUE(parse(arguments));
    EXPECT_EQ(parse(arguments)->command, Options::Command::kHelp);
  }
  EXPECT_EQ(parse({"--version"})->command, Options::Command::kVersion);
}

TEST(Options, HelpFitsAScreen) {
  EXPECT_LE(std::ranges::count(kHelp, '\n'), 24);
  std::size_t begin = 0;
  while (begin < kHelp.size()) {
    const std::size_t end = kHelp.find('\n', begin);
    EXPECT_LE(end - begin, 80U) << kHelp.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace
}  // namespace wspush::cli
