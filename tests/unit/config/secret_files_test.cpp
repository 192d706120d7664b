#include "config/secret_files.hpp"

#include "unit/config/load.hpp"

namespace wspush::config {
namespace {

using testing::ElementsAre;

std::string secret_of(const std::string& content) {
  const TemporaryFile file(content);
  const LoadResult result = load_text("auth: {hmac_secret_file: \"" + file.path() + "\"}\n");
  return result.config ? result.config->auth.hmac_secret : to_string(result.faults);
}

TEST(SecretFiles, GiveTheirContentWithoutTheLastLineEnd) {
  EXPECT_EQ(secret_of("s3cret"), "s3cret");
  EXPECT_EQ(secret_of("s3cret\n"), "s3cret");
  EXPECT_EQ(secret_of("s3cret\r\n"), "s3cret");
  EXPECT_EQ(secret_of("s3cret\n\n"), "s3cret\n");
  EXPECT_EQ(secret_of(" a b \n"), " a b ");
  EXPECT_EQ(secret_of(std::string(kSecretBytesMax, 'x')), std::string(kSecretBytesMax, 'x'));
}

TEST(SecretFiles, AreRefusedWithTheirKeyAndName) {
  EXPECT_THAT(
      faults_of("auth:\n  hmac_secret_file: /no/such/file\n"),
      ElementsAre("w.yaml:2:21: auth.hmac_secret_file: found \"/no/such/file\", which cannot be "
                  "read: No such file or directory"));
  const TemporaryFile empty("\n");
  EXPECT_THAT(faults_of("engine: {redis: {password_file: " + empty.path() + "}}\n"),
              ElementsAre("w.yaml:1:33: engine.redis.password_file: found \"" + empty.path() +
                          "\", which is empty; allowed: a file with a secret"));
  const TemporaryFile large(std::string(kSecretBytesMax + 1, 'x'));
  EXPECT_THAT(
      faults_of("auth: {hmac_secret_file: " + large.path() + "}\n"),
      ElementsAre(testing::EndsWith("which cannot be read: File too large: allowed are 64KiB")));
  EXPECT_THAT(faults_of("internal: {api_keys_file: /}\n"),
              ElementsAre(testing::EndsWith("which cannot be read: Is a directory")));
}

TEST(SecretFiles, HoldApiKeysOneALine) {
  const TemporaryFile file("first\r\nsecond\n\nthird");
  const LoadResult result = load_text("internal: {api_keys_file: " + file.path() + "}\n");
  ASSERT_TRUE(result.config) << to_string(result.faults);
  ASSERT_EQ(result.config->internal.api_keys.size(), 3U);
  EXPECT_EQ(result.config->internal.api_keys[0], (ApiKey{.key = "first", .topics = {}}));
  EXPECT_EQ(result.config->internal.api_keys[2].key, "third");
}

TEST(SecretFiles, WithALineThatIsNoKeyAreRefusedWithoutShowingIt) {
  const TemporaryFile file("first\nwith a blank\n");
  EXPECT_THAT(faults_of("internal: {api_keys_file: " + file.path() + "}\n"),
              ElementsAre("w.yaml:1:27: internal.api_keys_file: found \"" + file.path() +
                          "\", whose line 2 is no key (not shown); allowed: visible ASCII without "
                          "blanks, not empty"));
}

TEST(SecretFiles, AreRefusedBesideTheKeyThatTheyStandFor) {
  const TemporaryFile file("s3cret\n");
  EXPECT_THAT(
      faults_of("auth: {hmac_secret: a, hmac_secret_file: " + file.path() + "}\n"),
      ElementsAre("w.yaml:1:42: auth.hmac_secret_file: found together with auth.hmac_secret; "
                  "allowed: one of the two"));
  EXPECT_THAT(faults_of("internal: {api_keys: [a], api_keys_file: " + file.path() + "}\n"),
              ElementsAre(testing::HasSubstr("found together with internal.api_keys; ")));
  EXPECT_THAT(
      faults_of("engine: {redis: {url: \"redis://u:p@h\", password_file: " + file.path() + "}}\n"),
      ElementsAre(testing::HasSubstr("found together with a password in engine.redis.url; ")));
  EXPECT_TRUE(
      load_text("engine: {redis: {url: \"redis://u@h:1/0\", password_file: " + file.path() + "}}\n")
          .config);
  EXPECT_TRUE(
      load_text("auth: {hmac_secret: \"\", hmac_secret_file: " + file.path() + "}\n").config);
}

TEST(SecretFiles, GiveThePasswordOfRedis) {
  const TemporaryFile file("s3cret\n");
  const LoadResult result = load_text("engine: {redis: {password_file: " + file.path() + "}}\n");
  ASSERT_TRUE(result.config);
  EXPECT_EQ(result.config->engine.redis.password, "s3cret");
}

}  // namespace
}  // namespace wspush::config
