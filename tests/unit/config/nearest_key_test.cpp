#include "config/nearest_key.hpp"

#include <gtest/gtest.h>

#include "config/config_keys.hpp"

namespace wspush::config {
namespace {

/// The definition, by recursion: slow and obvious.
std::size_t slow_distance(std::string_view left, std::string_view right) {
  if (left.empty() || right.empty()) {
    return left.size() + right.size();
  }
  const std::string_view l = left.substr(1);
  const std::string_view r = right.substr(1);
  std::size_t best = std::min({slow_distance(l, right) + 1, slow_distance(left, r) + 1,
                               slow_distance(l, r) + (left[0] == right[0] ? 0U : 1U)});
  if (left.size() > 1 && right.size() > 1 && left[0] == right[1] && left[1] == right[0]) {
    best = std::min(best, slow_distance(left.substr(2), right.substr(2)) + 1);
  }
  return best;
}

TEST(NearestKey, MeasuresAsTheDefinitionDoes) {
  const char* texts[] = {"", "a", "b", "ab", "ba", "abc", "acb", "ping", "pnig", "pingg", "level"};
  for (const char* left : texts) {
    for (const char* right : texts) {
      EXPECT_EQ(edit_distance(left, right), slow_distance(left, right)) << left << ' ' << right;
    }
  }
}

TEST(NearestKey, LooksAtTheFirst64BytesOnly) {
  EXPECT_EQ(edit_distance(std::string(64, 'a') + "x", std::string(64, 'a') + "y"), 0U);
}

TEST(NearestKey, FindsTheOneThatWasMeant) {
  const std::pair<const char*, const char*> cases[] = {
      {"heartbeat.pong", "heartbeat.pong_timeout"},
      {"heartbeat.ping_intervall", "heartbeat.ping_interval"},
      {"ping_interval", "heartbeat.ping_interval"},
      {"heartbeats", "heartbeat"},
      {"hearbeat.ping_interval", "heartbeat.ping_interval"},
      {"limits.message_byte", "limits.message_bytes"},
      {"topics[].histroy", "topics[].history"},
      {"topics[].ttl", "topics[].history.ttl"},
      {"log.lvl", "log.level"},
      {"listn", "listen"},
      {"listen[].adress", "listen[].address"},
      {"listen[].tls.cert", "listen[].tls.certificate"},
      {"internal.api_key", "internal.api_keys"},
      {"auth.hmac", "auth.hmac_secret"},
  };
  for (const auto& [unknown, meant] : cases) {
    EXPECT_EQ(nearest_key(unknown, false), meant) << unknown;
  }
}

TEST(NearestKey, NamesForOverridesOnlyWhatTheyCanSet) {
  EXPECT_EQ(nearest_key("topics[].histroy", true).find('['), std::string::npos);
  EXPECT_EQ(nearest_key("topic", true), "topics");
}

TEST(NearestKey, FindsEveryKeyThatLacksALetterInItsOwnSection) {
  for (const KeyRow& row : config_keys()) {
    std::string path(row.path);
    path.erase(path.size() - 2, 1);
    if (find_key(path) != nullptr) {
      continue;
    }
    EXPECT_EQ(parent_of(nearest_key(path, false)), parent_of(row.path)) << path;
  }
}

}  // namespace
}  // namespace wspush::config
