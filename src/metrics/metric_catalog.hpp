#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "metrics/labels.hpp"

// What is counted. A new metric is an enumerator here and a row in metric_catalog.cpp; a new label
// value is a line in labels.hpp and its name.
namespace wspush::metrics {

/// One row of the catalog each, in its order.
enum class Metric : std::uint8_t {
  // Counted by every reactor, summed for the reader. Plain ones first: `ReactorMetrics::add`,
  // `set`.
  kMessagesPublished,
  kDeliveries,
  kDeliveredBytes,
  kReceivedMessages,
  kReceivedBytes,
  kDeflateInputBytes,
  kDeflateOutputBytes,
  kInflateInputBytes,
  kInflateOutputBytes,
  kGaps,
  kPingsSent,
  kLoopStalls,
  kProxyHeadersRefused,
  kPublishesRefused,
  kSlowSubscribers,
  kSubscriptions,
  kTopics,
  kMembers,
  // With a label: each has a method of its own.
  kConnections,
  kConnectionsOpened,
  kHandshakesRefused,
  kCloses,
  kLimitHits,
  kReloads,
  kTlsHandshakes,
  kLoopTurnSeconds,
  // Facts of the process, read when somebody asks (ProcessFacts).
  kLogDropped,
  kBrokerUp,
  kBuildInfo,
  kStartTime,
  kOpenFds,
  kMaxFds,
  kResidentMemory,
  kCpuSeconds,
};
inline constexpr std::size_t kMetricCount = 34;

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram, kInfo };

/// One row. `name` is that of the sample: a counter's ends in `_total`, an info's in `_info`.
/// OpenMetrics takes these off, so no gauge may have the name that is left (a test holds that).
/// `unit` is empty or the word that the name carries (before `_total`): seconds, bytes.
struct MetricRow {
  Metric id;
  MetricType type;
  std::string_view name;
  std::string_view unit;
  std::string_view help;
  std::string_view label;  ///< the label's key; empty: no label
};

/// All rows, in the order of `Metric`.
const std::array<MetricRow, kMetricCount>& metric_catalog();

/// Upper bounds of the buckets of `wspushd_loop_turn_seconds`, microseconds; a last one takes the
/// rest. 1 ms (where fan-out starts to batch) and 1 s (a stall) are among them.
inline constexpr std::array<std::uint32_t, 16> kTurnBucketsMicroseconds = {
    20,     50,     100,    200,     500,     1'000,   2'000,     5'000,
    10'000, 20'000, 50'000, 100'000, 200'000, 500'000, 1'000'000, 5'000'000};

// How the values of the rows that reactors count lie one behind the other.

/// Cells of `metric`: one for each label value; a histogram has its buckets, the last one without a
/// bound, and then the sum in nanoseconds. 0 for facts of the process.
constexpr std::size_t cell_count(Metric metric) {
  switch (metric) {
    case Metric::kMessagesPublished:
    case Metric::kDeliveries:
    case Metric::kDeliveredBytes:
    case Metric::kReceivedMessages:
    case Metric::kReceivedBytes:
    case Metric::kDeflateInputBytes:
    case Metric::kDeflateOutputBytes:
    case Metric::kInflateInputBytes:
    case Metric::kInflateOutputBytes:
    case Metric::kGaps:
    case Metric::kPingsSent:
    case Metric::kLoopStalls:
    case Metric::kProxyHeadersRefused:
    case Metric::kPublishesRefused:
    case Metric::kSlowSubscribers:
    case Metric::kSubscriptions:
    case Metric::kTopics:
    case Metric::kMembers:
      return 1;
    case Metric::kConnections:
    case Metric::kConnectionsOpened:
      return kDoorLabelCount;
    case Metric::kHandshakesRefused:
      return std::size(kRefusalStatuses) + 1;
    case Metric::kCloses:
      return std::size(kCloseCodes) + 1;
    case Metric::kLimitHits:
      return kLimitCount;
    case Metric::kReloads:
      return kReloadResultCount;
    case Metric::kTlsHandshakes:
      return kTlsHandshakeCount;
    case Metric::kLoopTurnSeconds:
      return kTurnBucketsMicroseconds.size() + 2;
    case Metric::kLogDropped:
    case Metric::kBrokerUp:
    case Metric::kBuildInfo:
    case Metric::kStartTime:
    case Metric::kOpenFds:
    case Metric::kMaxFds:
    case Metric::kResidentMemory:
    case Metric::kCpuSeconds:
      return 0;
  }
  return 0;
}

/// Where each row's cells begin; one past the last row: how many there are.
inline constexpr std::array<std::size_t, kMetricCount + 1> kFirstCells = [] {
  std::array<std::size_t, kMetricCount + 1> firsts{};
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    firsts[i + 1] = firsts[i] + cell_count(static_cast<Metric>(i));
  }
  return firsts;
}();
inline constexpr std::size_t kCellCount = kFirstCells[kMetricCount];

/// The first cell of `metric`. For a plain one this is the enumerator's value.
constexpr std::size_t first_cell(Metric metric) {
  return kFirstCells[static_cast<std::size_t>(metric)];
}

/// Whether `metric` is one number of each reactor, so that `add` and `set` may be used.
constexpr bool is_plain(Metric metric) {
  return metric < Metric::kConnections;
}

static_assert(first_cell(Metric::kConnections) == static_cast<std::size_t>(Metric::kConnections));

}  // namespace wspush::metrics
