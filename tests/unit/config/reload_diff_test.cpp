#include "config/reload_diff.hpp"

#include "config/config_keys.hpp"
#include "unit/config/load.hpp"

namespace wspush::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Config loaded(const std::string& text) {
  const LoadResult result = load_text(text);
  EXPECT_TRUE(result.config) << to_string(result.faults);
  if (!result.config) {
    return {};
  }
  return *result.config;
}

TEST(ReloadDiff, IsEmptyForTheSameTwice) {
  const ReloadDiff diff = compare_for_reload(one_of_each(), one_of_each());
  EXPECT_THAT(diff.applied, IsEmpty());
  EXPECT_THAT(diff.needs_restart, IsEmpty());
  EXPECT_EQ(diff.merged, one_of_each());
}

TEST(ReloadDiff, AppliesWhatReloadsAndKeepsTheRest) {
  const Config running = loaded("");
  const Config wanted = loaded(
      "reactors: 2\nlimits: {topics: 5, message_bytes: 2KiB}\norigins: [\"*\"]\nlog: {level: "
      "debug}\n"
      "internal: {address: \"127.0.0.1:9\", hosts: [a]}\nheartbeat: {ping_interval: 1s}\n");
  const ReloadDiff diff = compare_for_reload(running, wanted);
  EXPECT_THAT(diff.applied,
              ElementsAre("internal.hosts", "origins", "limits.message_bytes", "limits.topics"));
  EXPECT_THAT(diff.needs_restart,
              ElementsAre("internal.address", "reactors", "heartbeat.ping_interval", "log.level"));
  Config expected = running;
  expected.limits = wanted.limits;
  expected.origins = {"*"};
  expected.internal.hosts = {"a"};
  EXPECT_EQ(diff.merged, expected);
}

/// Puts another value than the default in the place of whatever a key sets.
struct Change {
  const KeyRow& row;

  void operator()(std::monostate) const {}
  void operator()(bool* value) const { *value = !*value; }
  void operator()(milliseconds* value) const { *value += milliseconds(1); }
  void operator()(std::string* value) const { *value += "x"; }
  void operator()(Texts* value) const { value->emplace_back("x"); }
  void operator()(TextPairs* value) const { value->emplace_back("x", "y"); }
  void operator()(ApiKey* value) const { value->can_read = !value->can_read; }
  template <typename T>
  void operator()(std::vector<T>* value) const {
    value->emplace_back();
  }
  template <typename T>
  void operator()(T* value) const {
    if constexpr (std::is_enum_v<T>) {
      const bool is_last = row.choices.back().value == static_cast<int>(*value);
      *value = static_cast<T>(is_last ? row.choices.front().value : row.choices.back().value);
    } else {
      ++*value;
    }
  }
};

TEST(ReloadDiff, SeesAChangeOfEveryKeyAndTreatsItAsTheTableSays) {
  for (const KeyRow& row : config_keys()) {
    if (row.field == nullptr) {
      continue;
    }
    Config running = one_of_each();
    running.listen[0].tls.enabled = true;
    Config wanted = running;
    Slot slot{wanted};
    std::visit(Change{row}, row.field(slot));
    const ReloadDiff diff = compare_for_reload(running, wanted);
    std::string path(row.path);
    for (auto at = path.find("[]"); at != path.npos; at = path.find("[]")) {
      path.replace(at, 2, "[0]");
    }
    const auto& named = row.is_reloadable ? diff.applied : diff.needs_restart;
    EXPECT_THAT(named, testing::Contains(path));
    EXPECT_EQ(diff.applied.size() + diff.needs_restart.size(), named.size()) << path;
    EXPECT_EQ(diff.merged == wanted, row.is_reloadable) << path;
    EXPECT_EQ(diff.merged == running, !row.is_reloadable) << path;
  }
}

TEST(ReloadDiff, NamesAListWhoseLengthChanged) {
  const ReloadDiff diff = compare_for_reload(
      loaded("topics: [{match: a}]\nlisten: [{address: \"a:1\"}]\n"),
      loaded(
          "topics: [{match: a}, {match: b}]\nlisten: [{address: \"a:1\"}, {address: \"b:1\"}]\n"));
  EXPECT_THAT(diff.applied, ElementsAre("topics"));
  EXPECT_THAT(diff.needs_restart, ElementsAre("listen"));
  EXPECT_EQ(diff.merged.topics.size(), 2U);
  EXPECT_EQ(diff.merged.listen.size(), 1U);
}

TEST(ReloadDiff, NamesWhatChangedWithinARule) {
  const ReloadDiff diff = compare_for_reload(
      loaded("topics: [{match: a}, {match: b}]\n"),
      loaded("topics: [{match: a}, {match: b, history: {ttl: 1s}, batch: 5ms}]\n"));
  EXPECT_THAT(diff.applied, ElementsAre("topics[1].history.ttl", "topics[1].batch"));
}

TEST(ReloadDiff, TakesACertificateOfTheListenerOfTheSameAddress) {
  const Config running = loaded(
      "listen:\n  - {address: \"a:1\", tls: {certificate: c1, key: k1}}\n  - {address: \"b:2\", "
      "tls: "
      "{certificate: c2, key: k2}}\n");
  const ReloadDiff moved = compare_for_reload(
      running,
      loaded("listen:\n  - {address: \"b:2\", tls: {certificate: n2, key: k2}}\n  - {address: "
             "\"a:1\", tls: {certificate: n1, key: k1}}\n"));
  EXPECT_EQ(moved.merged.listen[0].address, "a:1");
  EXPECT_EQ(moved.merged.listen[0].tls.certificate, "n1");
  EXPECT_EQ(moved.merged.listen[1].tls.certificate, "n2");
  const ReloadDiff gone = compare_for_reload(running, loaded("listen: [{address: \"c:3\"}]\n"));
  EXPECT_EQ(gone.merged.listen, running.listen);
}

TEST(ReloadDiff, TakesFurtherCertificatesAndTheVersionWithThem) {
  const Config running = loaded(
      "listen: [{address: \"a:1\", tls: {certificate: c, key: k}}]\n"
      "internal: {tls: {certificate: c, key: k}}\n");
  const Config wanted = loaded(
      "listen:\n  - address: \"a:1\"\n    tls: {certificate: c, key: k, min_version: \"1.3\", "
      "also: "
      "[{certificate: d, key: e}]}\n"
      "internal: {tls: {certificate: c, key: k, also: [{certificate: d, key: e}]}}\n");
  const ReloadDiff diff = compare_for_reload(running, wanted);
  EXPECT_EQ(diff.merged, wanted);
  EXPECT_THAT(diff.applied,
              ElementsAre("listen[0].tls.also", "listen[0].tls.min_version", "internal.tls.also"));
  EXPECT_THAT(diff.needs_restart, IsEmpty());
}

TEST(ReloadDiff, DoesNotSwitchTlsUnderAListener) {
  const Config plain = loaded("listen: [{address: \"a:1\"}]\n");
  const Config tls = loaded(
      "listen: [{address: \"a:1\", tls: {certificate: c, key: k}}]\n"
      "internal: {tls: {certificate: c, key: k}}\n");
  for (const auto& [from, to] : {std::pair(plain, tls), std::pair(tls, plain)}) {
    const ReloadDiff diff = compare_for_reload(from, to);
    EXPECT_EQ(diff.merged, from);
    EXPECT_THAT(diff.applied, IsEmpty());
    EXPECT_THAT(diff.needs_restart, testing::IsSupersetOf({"listen[0].tls", "internal.tls"}));
  }
}

TEST(ReloadDiff, NamesPathsAndNeverValues) {
  const ReloadDiff diff = compare_for_reload(
      loaded(""), loaded("auth: {hmac_secret: s3cret}\ninternal: {api_keys: [s3cret]}\n"));
  EXPECT_THAT(diff.applied, ElementsAre("internal.api_keys", "auth.hmac_secret"));
}

}  // namespace
}  // namespace wspush::config
