#include "metrics/prometheus_text.hpp"

#include <cstdint>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "metrics/accept_header.hpp"

namespace wspush::metrics {
namespace {

/// The family that `row`'s samples belong to: OpenMetrics takes the suffixes off.
std::string_view family_name(const MetricRow& row, Exposition exposition) {
  std::string_view name = row.name;
  if (exposition == Exposition::kOpenMetrics) {
    if (row.type == MetricType::kCounter) {
      name.remove_suffix(std::string_view("_total").size());
    } else if (row.type == MetricType::kInfo) {
      name.remove_suffix(std::string_view("_info").size());
    }
  }
  return name;
}

std::string_view type_name(MetricType type, Exposition exposition) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kInfo:
      return exposition == Exposition::kOpenMetrics ? "info" : "gauge";
  }
  return {};
}

/// A label's value escapes quotes; a help text does so in OpenMetrics only.
void append_escaped(std::string& out, std::string_view text, bool escapes_quotes) {
  for (char c : text) {
    if (c == '\n') {
      out.append("\\n");
      continue;
    }
    if (c == '\\' || (c == '"' && escapes_quotes)) {
      out.push_back('\\');
    }
    out.push_back(c);
  }
}

/// Millionths as a decimal without superfluous zeros: 20 -> 0.00002, 5000000 -> 5.0.
std::string decimal(std::uint64_t millionths) {
  std::string text = fmt::format("{}.{:06}", millionths / 1'000'000, millionths % 1'000'000);
  while (text.back() == '0' && text[text.size() - 2] != '.') {
    text.pop_back();
  }
  return text;
}

/// The value of the label of `row`'s cell `index`.
std::string label_value(Metric metric, std::size_t index) {
  const auto number = [index](const auto& list) {
    return index < std::size(list) ? std::to_string(list[index]) : std::string("other");
  };
  if (metric == Metric::kConnections || metric == Metric::kConnectionsOpened) {
    return std::string(door_name(static_cast<DoorLabel>(index)));
  }
  if (metric == Metric::kLimitHits) {
    return std::string(limit_name(static_cast<Limit>(index)));
  }
  if (metric == Metric::kReloads) {
    return std::string(reload_result_name(static_cast<ReloadResult>(index)));
  }
  if (metric == Metric::kTlsHandshakes) {
    return std::string(tls_handshake_name(static_cast<TlsHandshake>(index)));
  }
  return metric == Metric::kHandshakesRefused ? number(kRefusalStatuses) : number(kCloseCodes);
}

/// The value of a fact that is one number.
std::string fact_value(Metric metric, const ProcessFacts& facts) {
  const auto count = [](auto number) { return static_cast<std::uint64_t>(number); };
  if (metric == Metric::kLogDropped) {
    return std::to_string(facts.log_dropped);
  }
  if (metric == Metric::kStartTime) {
    return decimal(count(facts.started_at.time_since_epoch().count()) * 1000);
  }
  if (metric == Metric::kOpenFds) {
    return std::to_string(facts.open_fds);
  }
  if (metric == Metric::kMaxFds) {
    return std::to_string(facts.max_fds);
  }
  if (metric == Metric::kResidentMemory) {
    return std::to_string(facts.resident_bytes);
  }
  WSPUSH_ASSERT(metric == Metric::kCpuSeconds);
  return decimal(count(facts.cpu_time.count()));
}

class Renderer {
 public:
  Renderer(std::string& out, Exposition exposition) : out_(out), exposition_(exposition) {}

  void head(const MetricRow& row) {
    const std::string_view name = family_name(row, exposition_);
    format("# HELP {} ", name);
    append_escaped(out_, row.help, exposition_ == Exposition::kOpenMetrics);
    format("\n# TYPE {} {}\n", name, type_name(row.type, exposition_));
    if (exposition_ == Exposition::kOpenMetrics && !row.unit.empty()) {
      format("# UNIT {} {}\n", name, row.unit);
    }
  }

  void sample(const MetricRow& row, std::string_view value) { format("{} {}\n", row.name, value); }
  void sample(const MetricRow& row, std::string_view label, std::string_view value) {
    format("{}{{{}=\"", row.name, row.label);
    append_escaped(out_, label, true);
    format("\"}} {}\n", value);
  }

  /// A gauge may have gone below zero in one reactor, never in the sum: shown as it is.
  void counted(const MetricRow& row, const Snapshot& snapshot) {
    const std::size_t count = cell_count(row.id);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t cell = snapshot.value(row.id, i);
      const std::string value = row.type == MetricType::kGauge
                                    ? std::to_string(static_cast<std::int64_t>(cell))
                                    : std::to_string(cell);
      if (row.label.empty()) {
        sample(row, value);
      } else {
        sample(row, label_value(row.id, i), value);
      }
    }
  }

  void histogram(const MetricRow& row, const Snapshot& snapshot) {
    constexpr auto& kBounds = kTurnBucketsMicroseconds;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      count += snapshot.value(row.id, i);
      format("{}_bucket{{le=\"{}\"}} {}\n", row.name, decimal(kBounds[i]), count);
    }
    count += snapshot.value(row.id, kBounds.size());
    format("{}_bucket{{le=\"+Inf\"}} {}\n", row.name, count);
    format("{}_sum {}\n", row.name, decimal(snapshot.value(row.id, kBounds.size() + 1) / 1000));
    format("{}_count {}\n", row.name, count);
  }

  void fact(const MetricRow& row, const ProcessFacts& facts) {
    if (row.id == Metric::kBuildInfo) {
      sample(row, facts.version, "1");
    } else if (row.id == Metric::kBrokerUp) {
      for (const BrokerState& broker : facts.brokers) {
        sample(row, broker.name, broker.is_up ? "1" : "0");
      }
    } else {
      sample(row, fact_value(row.id, facts));
    }
  }

 private:
  template <typename... Args>
  void format(fmt::format_string<Args...> pattern, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), pattern, std::forward<Args>(args)...);
  }

  std::string& out_;
  Exposition exposition_;
};

}  // namespace

Exposition choose_exposition(ByteView accept) {
  const Preference open_metrics = preference_for(accept, "application/openmetrics-text", "1.0.0");
  const Preference text = preference_for(accept, "text/plain", "0.0.4");
  return open_metrics.is_named && open_metrics.quality > 0 && open_metrics.quality >= text.quality
             ? Exposition::kOpenMetrics
             : Exposition::kPrometheusText;
}

std::string_view content_type(Exposition exposition) {
  return exposition == Exposition::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

void append_metrics(std::string& out, Exposition exposition, const Snapshot& snapshot,
                    const ProcessFacts& facts) {
  Renderer renderer(out, exposition);
  for (const MetricRow& row : metric_catalog()) {
    renderer.head(row);
    if (cell_count(row.id) == 0) {
      renderer.fact(row, facts);
    } else if (row.type == MetricType::kHistogram) {
      renderer.histogram(row, snapshot);
    } else {
      renderer.counted(row, snapshot);
    }
  }
  if (exposition == Exposition::kOpenMetrics) {
    out.append("# EOF\n");
  }
}

}  // namespace wspush::metrics
