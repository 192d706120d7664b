#include "config/yaml_loader.hpp"

#include "unit/config/load.hpp"

namespace wspush::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(YamlLoader, GivesTheDefaultsForAnEmptyFile) {
  for (const char* text : {"", "\n# nothing\n", "---\n", "{}\n"}) {
    const LoadResult result = load_text(text);
    ASSERT_TRUE(result.config) << text;
    EXPECT_EQ(*result.config, Config{});
  }
}

TEST(YamlLoader, GivesTheBuiltinDefaultForNoFile) {
  const LoadResult result = load_config({});
  ASSERT_TRUE(result.config);
  EXPECT_EQ(*result.config, builtin_config());
  EXPECT_TRUE(result.config->demo);
  ASSERT_EQ(result.config->topics.size(), 1U);
  EXPECT_EQ(result.config->topics[0].match, ">");
  EXPECT_EQ(result.config->topics[0].subscribe, Permission::kAnyone);
  EXPECT_EQ(result.config->topics[0].publish, Permission::kAnyone);
  EXPECT_EQ(result.config->listen, Config{}.listen);
}

LoadResult load_sets(std::vector<std::string> set) {
  LoadRequest request;
  request.set = std::move(set);
  return load_config(request);
}

TEST(YamlLoader, TakesTheOpenRuleBackWhereTheBuiltinDefaultListensBeyondLoopback) {
  for (const char* address :
       {"0.0.0.0:80", "[::]:80", "10.1.2.3:80", "example.com:80", "unix:/run/x"}) {
    const LoadResult result = load_sets(
        {"listen=[{address: \"127.0.0.1:1\"}, {address: \"" + std::string(address) + "\"}]"});
    ASSERT_TRUE(result.config) << to_string(result.faults);
    EXPECT_EQ(result.config->topics, Config{}.topics) << address;
    EXPECT_TRUE(result.config->demo);
  }
  LoadRequest request;
  request.environment = {{"WSPUSHD_LISTEN", "[{address: \"0.0.0.0:80\"}]"}};
  EXPECT_EQ(load_config(request).config->topics, Config{}.topics);
}

TEST(YamlLoader, KeepsTheOpenRuleOnLoopbackAndWhereItWasAskedFor) {
  for (const char* address : {"127.0.0.1:0", "localhost:80", "[::1]:80"}) {
    EXPECT_EQ(load_sets({"listen=[{address: \"" + std::string(address) + "\"}]"}).config->topics,
              builtin_config().topics);
  }
  const LoadResult asked =
      load_sets({"listen=[{address: \"0.0.0.0:80\"}]", "topics=[{publish: anyone}]"});
  EXPECT_EQ(asked.config->topics[0].publish, Permission::kAnyone);
}

TEST(YamlLoader, LaysOverridesOverTheBuiltinDefault) {
  const LoadResult result = load_sets({"reactors=2", "demo=false"});
  ASSERT_TRUE(result.config);
  EXPECT_EQ(result.config->reactors, 2U);
  EXPECT_FALSE(result.config->demo);
  EXPECT_EQ(result.config->topics[0].publish, Permission::kAnyone);
}

TEST(YamlLoader, ReadsAFile) {
  const TemporaryFile file("reactors: 3\n");
  LoadRequest request;
  request.path = file.path();
  const LoadResult result = load_config(request);
  ASSERT_TRUE(result.config) << to_string(result.faults);
  EXPECT_EQ(result.config->reactors, 3U);
  EXPECT_FALSE(result.config->demo);
}

std::vector<std::string> faults_of_file(const std::string& path) {
  LoadRequest request;
  request.path = path;
  return faults_of_overrides(request);
}

TEST(YamlLoader, SaysWhyAFileCannotBeRead) {
  EXPECT_THAT(faults_of_file("/no/such/file.yaml"),
              ElementsAre("/no/such/file.yaml: cannot be read: No such file or directory"));
  EXPECT_THAT(faults_of_file("/"), ElementsAre("/: cannot be read: Is a directory"));
  const TemporaryFile large("#" + std::string(kConfigFileBytesMax, 'x'));
  EXPECT_THAT(faults_of_file(large.path()),
              ElementsAre(large.path() + ": cannot be read: File too large: allowed are 4MiB"));
  const TemporaryFile fits("#" + std::string(kConfigFileBytesMax - 1, 'x'));
  EXPECT_THAT(faults_of_file(fits.path()), IsEmpty());
}

TEST(YamlLoader, RefusesADocumentThatIsNoMapping) {
  EXPECT_THAT(faults_of("- a\n"),
              ElementsAre("w.yaml:1:1: found a list; allowed: a mapping of keys"));
  EXPECT_THAT(faults_of("\n  just text\n"),
              ElementsAre("w.yaml:2:3: found a text; allowed: a mapping of keys"));
}

TEST(YamlLoader, ReportsAllFaultsAtOnceInTheOrderOfTheFile) {
  EXPECT_THAT(
      faults_of("heartbeat:\n  ping_interval: 70s\n  pong: 1s\necho: maybe\nlisten: []\necho: no\n",
                {"reactors=0"}),
      ElementsAre("w.yaml:2:18: heartbeat.ping_interval: found 70s; allowed: below "
                  "heartbeat.proxy_read_timeout, which is 60s by default",
                  "w.yaml:3:3: heartbeat.pong: unknown key; nearest: heartbeat.pong_timeout",
                  "w.yaml:4:7: echo: found \"maybe\"; allowed: true or false",
                  "w.yaml:5:9: listen: found no listener; allowed: one at least",
                  "w.yaml:6:1: echo: found a second time, after w.yaml:4:1; allowed: once",
                  "--set reactors: found \"0\"; allowed: auto, or 1 to 1024"));
}

TEST(YamlLoader, GivesNoConfigAndNoNoticesBesideFaults) {
  const LoadResult result = load_text("echo: maybe\nengine: {type: redis}\n");
  EXPECT_FALSE(result.config);
  EXPECT_THAT(result.notices, IsEmpty());
  ASSERT_EQ(result.faults.size(), 1U);
  EXPECT_EQ(result.faults[0], (Fault{.source = "w.yaml",
                                     .line = 1,
                                     .column = 7,
                                     .key = "echo",
                                     .message = "found \"maybe\"; allowed: true or false"}));
}

TEST(YamlLoader, GivesTheSameTwice) {
  const char* const text = "topics: [{match: a.*}]\nlimits: {topics: 5}\n";
  EXPECT_EQ(*load_text(text).config, *load_text(text).config);
}

}  // namespace
}  // namespace wspush::config
