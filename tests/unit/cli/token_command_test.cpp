#include "cli/token_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

using testing::HasSubstr;
using Arguments = std::vector<const char*>;

Result<TokenOptions, std::string> parse(const Arguments& arguments) {
  return parse_token_options({arguments.data(), arguments.size()});
}

std::string error_of(const Arguments& arguments) {
  const auto options = parse(arguments);
  return options ? "taken" : options.error();
}

constexpr WallTime kNow{std::chrono::milliseconds(1'800'000'000'999)};

TEST(TokenOptions, GiveTheClaims) {
  const auto plain = parse({"--user", "u\"1", "--secret", "s"});
  ASSERT_TRUE(plain) << plain.error();
  EXPECT_EQ(token_claims(*plain, kNow), R"({"sub":"u\"1","iat":1800000000,"exp":1800003600})");
  const auto full = parse({"--user=u",
                           "--secret-file=f",
                           "--expires",
                           "0",
                           "--subscribe",
                           "news.>",
                           "--subscribe=a",
                           "--publish",
                           "chat.*",
                           "--info",
                           R"({"name": "Ä"})",
                           "--aud",
                           "a",
                           "--iss",
                           "i",
                           "--jti",
                           "j",
                           "--kid",
                           "k",
                           "--alg",
                           "HS512"});
  ASSERT_TRUE(full) << full.error();
  EXPECT_EQ(token_claims(*full, kNow),
            R"({"sub":"u","iat":1800000000,"jti":"j","aud":"a","iss":"i","info":{"name": "Ä"},)"
            R"("subscribe":["news.>","a"],"publish":["chat.*"]})");
  EXPECT_EQ(full->kid, "k");
  EXPECT_EQ(full->algorithm, auth::Algorithm::kHs512);
}

TEST(TokenOptions, TakeTimes) {
  for (const auto& [text, seconds] : std::initializer_list<std::pair<const char*, int>>{
           {"90s", 90}, {"15m", 900}, {"2h", 7200}, {"30d", 2'592'000}}) {
    const auto options = parse({"--user", "u", "--secret", "s", "--expires", text});
    ASSERT_TRUE(options) << text;
    EXPECT_EQ(options->expires, std::chrono::seconds(seconds));
  }
  EXPECT_FALSE(parse({"--user", "u", "--secret", "s", "--expires", "0"})->expires);
  for (const char* text :
       {"", "1", "h", "1w", "-1h", "1hh", "1.5h", "9999999d", "99999999999999999999s"}) {
    EXPECT_THAT(error_of({"--user", "u", "--secret", "s", "--expires", text}),
                HasSubstr("is a time like"))
        << text;
  }
}

TEST(TokenOptions, SayWhatIsWrong) {
  EXPECT_THAT(error_of({}), HasSubstr("token wants a --user"));
  EXPECT_THAT(error_of({"--user", "u"}), HasSubstr("give one of"));
  EXPECT_THAT(error_of({"--user", "u", "--secret", "s", "--private-key", "f"}),
              HasSubstr("give one of"));
  EXPECT_THAT(error_of({"--user", ""}), HasSubstr("--user: must be UTF-8"));
  EXPECT_THAT(error_of({"--user"}), HasSubstr("--user wants a value"));
  EXPECT_THAT(error_of({"u"}), HasSubstr("unknown option u"));
  EXPECT_THAT(error_of({"--subscribe", "a..b"}), HasSubstr("neither a topic nor a pattern"));
  EXPECT_THAT(error_of({"--alg", "RS256"}), HasSubstr("is none of HS256"));
  EXPECT_THAT(error_of({"--alg", "none"}), HasSubstr("is none of HS256"));
  EXPECT_THAT(error_of({"--info", "{"}), HasSubstr("is not JSON"));
  EXPECT_THAT(error_of({"--info", ('"' + std::string(1024, 'x') + '"').c_str()}),
              HasSubstr("more than 1 KiB"));
  EXPECT_TRUE(parse({"--help"})->wants_help);
}

TEST(TokenHelp, FitsAScreen) {
  EXPECT_LE(std::count(kTokenHelp.begin(), kTokenHelp.end(), '\n'), 24);
}

}  // namespace
}  // namespace wspush::cli
