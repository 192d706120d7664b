#include "metrics/metric_catalog.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::metrics {
namespace {

using testing::EndsWith;
using testing::MatchesRegex;
using testing::Not;

TEST(MetricCatalog, HasNamesOfTheFormThatTheirTypeAsksFor) {
  for (const MetricRow& row : metric_catalog()) {
    const std::string name(row.name);
    EXPECT_THAT(name, MatchesRegex("(wspushd|process)_[a-z_]+"));
    EXPECT_FALSE(row.help.empty()) << name;
    EXPECT_EQ(name.ends_with("_total"), row.type == MetricType::kCounter) << name;
    EXPECT_EQ(name.ends_with("_info"), row.type == MetricType::kInfo) << name;
    for (const char* reserved : {"_bucket", "_count", "_sum", "_created"}) {
      EXPECT_THAT(name, Not(EndsWith(reserved)));
    }
    std::string family = name;
    if (row.type == MetricType::kCounter) {
      family.resize(family.size() - 6);
    }
    if (!row.unit.empty()) {
      EXPECT_THAT(family, EndsWith("_" + std::string(row.unit)));
    }
  }
}

TEST(MetricCatalog, HasNoTwoFamiliesOfOneName) {
  std::set<std::string> families;
  for (const MetricRow& row : metric_catalog()) {
    std::string family(row.name);
    if (row.type == MetricType::kCounter) {
      family.resize(family.size() - 6);
    } else if (row.type == MetricType::kInfo) {
      family.resize(family.size() - 5);
    }
    EXPECT_TRUE(families.insert(family).second) << family;
  }
}

TEST(MetricCatalog, HasTheNamesThatAreFixed) {
  std::set<std::string> names;
  for (const MetricRow& row : metric_catalog()) {
    names.insert(std::string(row.name));
  }
  for (const char* name :
       {"wspushd_connections", "wspushd_limit_hits_total", "wspushd_reload_total",
        "wspushd_loop_stalls_total", "wspushd_log_dropped_total", "wspushd_broker_up"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(MetricCatalog, GivesEveryCellToOneRow) {
  std::size_t next = 0;
  for (const MetricRow& row : metric_catalog()) {
    EXPECT_EQ(first_cell(row.id), next) << row.name;
    next += cell_count(row.id);
    EXPECT_EQ(is_plain(row.id), cell_count(row.id) == 1) << row.name;
    if (is_plain(row.id)) {
      EXPECT_TRUE(row.label.empty()) << row.name;
    } else if (cell_count(row.id) > 0 && row.type != MetricType::kHistogram) {
      EXPECT_FALSE(row.label.empty()) << row.name;
    }
  }
  EXPECT_EQ(kCellCount, next);
}

TEST(MetricCatalog, HasBoundsThatRiseWithOneMillisecondAndOneSecondAmongThem) {
  EXPECT_TRUE(std::is_sorted(kTurnBucketsMicroseconds.begin(), kTurnBucketsMicroseconds.end()));
  EXPECT_THAT(kTurnBucketsMicroseconds, testing::Contains(1'000U));
  EXPECT_THAT(kTurnBucketsMicroseconds, testing::Contains(1'000'000U));
}

/// Counts the enumerators that have a name and checks that no two share one.
template <typename Enum, typename NameOf>
std::size_t named_values(NameOf name_of) {
  std::set<std::string> names;
  for (unsigned value = 0; value < 256; ++value) {
    const std::string_view name = name_of(static_cast<Enum>(value));
    if (!name.empty()) {
      EXPECT_EQ(value, names.size()) << "a hole before " << name;
      EXPECT_TRUE(names.insert(std::string(name)).second) << name;
    }
  }
  return names.size();
}

TEST(Labels, HaveANameForEveryValueAndNoMore) {
  EXPECT_EQ(named_values<Limit>(limit_name), kLimitCount);
  EXPECT_EQ(named_values<DoorLabel>(door_name), kDoorLabelCount);
  EXPECT_EQ(named_values<ReloadResult>(reload_result_name), kReloadResultCount);
  EXPECT_EQ(named_values<TlsHandshake>(tls_handshake_name), kTlsHandshakeCount);
}

}  // namespace
}  // namespace wspush::metrics
