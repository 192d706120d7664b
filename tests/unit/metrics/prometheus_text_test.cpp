#include "metrics/prometheus_text.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

ProcessFacts facts() {
  ProcessFacts facts;
  facts.version = "0.1.0";
  facts.started_at = WallTime(std::chrono::milliseconds(1'777'638'896'007));
  facts.log_dropped = 3;
  facts.open_fds = 12;
  facts.max_fds = 1024;
  facts.resident_bytes = 5 << 20;
  facts.cpu_time = std::chrono::microseconds(1'250'000);
  return facts;
}

Snapshot snapshot() {
  ReactorMetrics metrics;
  metrics.add(Metric::kDeliveries, 42);
  metrics.add(Metric::kDeliveredBytes, 18'446'744'073'709'551'615ULL);
  metrics.limit_hit(Limit::kMessageBytes, 2);
  metrics.connection_opened(DoorLabel::kWspushV1);
  metrics.closed(1009);
  metrics.closed(4711);
  metrics.handshake_refused(403);
  metrics.reloaded(ReloadResult::kError);
  metrics.observe_turn(std::chrono::microseconds(15));
  metrics.observe_turn(std::chrono::microseconds(700));
  metrics.observe_turn(std::chrono::seconds(7));
  metrics.subtract(Metric::kTopics, 1);
  Snapshot snapshot;
  metrics.add_to(snapshot);
  return snapshot;
}

std::string rendered(Exposition exposition, const ProcessFacts& process) {
  std::string out;
  append_metrics(out, exposition, snapshot(), process);
  return out;
}

TEST(PrometheusText, ShowsEachKindOfMetric) {
  const std::string text = rendered(Exposition::kPrometheusText, facts());
  for (const char* expected :
       {"# HELP wspushd_deliveries_total Messages handed to the kernel, once for each "
        "subscription.\n# TYPE wspushd_deliveries_total counter\nwspushd_deliveries_total 42\n",
        "wspushd_delivered_bytes_total 18446744073709551615\n",
        "# TYPE wspushd_connections gauge\nwspushd_connections{door=\"http\"} 0\n"
        "wspushd_connections{door=\"wspush.v1\"} 1\n",
        "wspushd_limit_hits_total{limit=\"message_bytes\"} 2\n",
        "wspushd_limit_hits_total{limit=\"write_timeout\"} 0\n",
        "wspushd_closes_total{code=\"1009\"} 1\n",
        "wspushd_closes_total{code=\"other\"} 1\n",
        "wspushd_handshakes_refused_total{status=\"403\"} 1\n",
        "wspushd_reload_total{result=\"ok\"} 0\nwspushd_reload_total{result=\"error\"} 1\n",
        "wspushd_topics -1\n",
        "wspushd_log_dropped_total 3\n",
        "# TYPE wspushd_build_info gauge\nwspushd_build_info{version=\"0.1.0\"} 1\n",
        "wspushd_start_time_seconds 1777638896.007\n",
        "process_open_fds 12\n",
        "process_max_fds 1024\n",
        "process_resident_memory_bytes 5242880\n",
        "process_cpu_seconds_total 1.25\n",
        "# TYPE wspushd_loop_turn_seconds histogram\n"
        "wspushd_loop_turn_seconds_bucket{le=\"0.00002\"} 1\n",
        "wspushd_loop_turn_seconds_bucket{le=\"0.0005\"} 1\n"
        "wspushd_loop_turn_seconds_bucket{le=\"0.001\"} 2\n",
        "wspushd_loop_turn_seconds_bucket{le=\"1.0\"} 2\n"
        "wspushd_loop_turn_seconds_bucket{le=\"5.0\"} 2\n"
        "wspushd_loop_turn_seconds_bucket{le=\"+Inf\"} 3\n"
        "wspushd_loop_turn_seconds_sum 7.000715\nwspushd_loop_turn_seconds_count 3\n"}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
  EXPECT_THAT(text, HasSubstr("# TYPE wspushd_broker_up gauge\n"));
  EXPECT_THAT(text, Not(HasSubstr("wspushd_broker_up{")));
  EXPECT_THAT(text, Not(HasSubstr("# UNIT")));
  EXPECT_THAT(text, Not(HasSubstr("# EOF")));
}

TEST(PrometheusText, FollowsOpenMetricsWhereItDiffers) {
  const std::string text = rendered(Exposition::kOpenMetrics, facts());
  for (const char* expected :
       {"# TYPE wspushd_deliveries counter\nwspushd_deliveries_total 42\n",
        "# TYPE wspushd_delivered_bytes counter\n# UNIT wspushd_delivered_bytes bytes\n"
        "wspushd_delivered_bytes_total ",
        "# TYPE wspushd_build info\nwspushd_build_info{version=\"0.1.0\"} 1\n",
        "# TYPE wspushd_connections gauge\n", "# TYPE process_cpu_seconds counter\n"}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(PrometheusText, ShowsBrokersWhereThereAreAnyAndEscapesTheirNames) {
  ProcessFacts process = facts();
  process.brokers = {{"orders", true}, {"a\"b\\c\nd", false}};
  EXPECT_THAT(rendered(Exposition::kPrometheusText, process),
              HasSubstr("# TYPE wspushd_broker_up gauge\nwspushd_broker_up{broker=\"orders\"} 1\n"
                        "wspushd_broker_up{broker=\"a\\\"b\\\\c\\nd\"} 0\n"));
}

TEST(PrometheusText, TellsItsMediaType) {
  EXPECT_EQ(content_type(Exposition::kPrometheusText), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(content_type(Exposition::kOpenMetrics),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

/// One line cut into its words, by hand: `name{label="value"} number`.
struct Sample {
  std::string name;
  std::string labels;
  std::string value;
};

/// Cuts off the longest front of `rest` that consists of `allowed`.
std::string take(std::string& rest, std::string_view allowed) {
  const std::size_t end = std::min(rest.find_first_not_of(allowed), rest.size());
  const std::string front = rest.substr(0, end);
  rest.erase(0, end);
  return front;
}

constexpr std::string_view kNameBytes = "abcdefghijklmnopqrstuvwxyz_";

bool parse_sample(std::string line, Sample& sample) {
  sample = {.name = take(line, kNameBytes), .labels = {}, .value = {}};
  if (line.starts_with("{")) {
    line.erase(0, 1);
    sample.labels = take(line, kNameBytes);
    if (sample.labels.empty() || !line.starts_with("=\"")) {
      return false;
    }
    std::size_t at = 2;
    for (; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\' && std::string_view("\"\\n").find(line[++at]) == std::string::npos) {
        return false;
      }
    }
    sample.labels += line.substr(0, at + 1);
    line.erase(0, std::min(at + 1, line.size()));
    if (!line.starts_with("}")) {
      return false;
    }
    line.erase(0, 1);
  }
  if (sample.name.empty() || !line.starts_with(" ")) {
    return false;
  }
  sample.value = line.substr(1);
  double number = 0;
  const char* const end = sample.value.data() + sample.value.size();
  return std::from_chars(sample.value.data(), end, number).ptr == end;
}

std::set<std::string> suffixes_of(const std::string& type, bool is_open_metrics) {
  if (type == "histogram") {
    return {"_bucket", "_sum", "_count"};
  }
  if (type == "counter" && is_open_metrics) {
    return {"_total"};
  }
  return {type == "info" ? "_info" : ""};
}

/// Reads the format line by line as a scraper does, and fails on anything that the grammar and the
/// rules about families do not allow.
void expect_well_formed(const std::string& text, bool is_open_metrics) {
  std::set<std::string> families;
  std::set<std::string> series;
  std::string family;
  std::string type;
  std::istringstream in(text);
  bool has_ended = false;
  for (std::string line; std::getline(in, line);) {
    ASSERT_FALSE(has_ended) << line;
    if (line == "# EOF") {
      ASSERT_TRUE(is_open_metrics);
      has_ended = true;
      continue;
    }
    if (line.starts_with("# ")) {
      std::istringstream words(line);
      std::string hash;
      std::string kind;
      std::string name;
      std::string word;
      words >> hash >> kind >> name >> word;
      if (kind == "HELP") {
        family = name;
        type.clear();
        ASSERT_TRUE(families.insert(family).second) << "two families " << family;
      }
      ASSERT_EQ(name, family) << line;
      if (kind == "TYPE") {
        type = word;
      } else if (kind == "UNIT") {
        ASSERT_TRUE(is_open_metrics && family.ends_with("_" + word)) << line;
      } else {
        ASSERT_EQ(kind, "HELP");
      }
      continue;
    }
    Sample sample;
    ASSERT_TRUE(parse_sample(line, sample)) << line;
    ASSERT_FALSE(type.empty()) << line;
    ASSERT_TRUE(sample.name.starts_with(family)) << line;
    const std::string suffix = sample.name.substr(family.size());
    ASSERT_TRUE(suffixes_of(type, is_open_metrics).contains(suffix)) << line;
    ASSERT_TRUE(series.insert(sample.name + sample.labels).second) << "twice: " << line;
  }
  ASSERT_EQ(has_ended, is_open_metrics);
  EXPECT_GE(families.size(), kMetricCount);
}

TEST(PrometheusText, IsWellFormedInBothFormats) {
  ProcessFacts process = facts();
  process.brokers = {{"a\"b\\c\nd", false}, {"redis", true}};
  expect_well_formed(rendered(Exposition::kPrometheusText, process), false);
  expect_well_formed(rendered(Exposition::kOpenMetrics, process), true);
}

}  // namespace
}  // namespace wspush::metrics
