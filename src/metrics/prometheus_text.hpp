#pragma once

#include <string>
#include <string_view>

#include "wspush/base/bytes.hpp"

#include "metrics/process_facts.hpp"
#include "metrics/reactor_metrics.hpp"

namespace wspush::metrics {

enum class Exposition { kPrometheusText, kOpenMetrics };

/// What the `Accept` header (empty: none) prefers: OpenMetrics 1.0 where it is listed with a weight
/// of at least that of text/plain, else the text format. Linear. Source: RFC 9110 §12.5.1.
Exposition choose_exposition(ByteView accept);

/// The value for Content-Type.
std::string_view content_type(Exposition exposition);

/// Appends all metrics to `out`, about 8 KB.
/// Source: Prometheus text format 0.0.4; OpenMetrics 1.0 (there a counter's family has no `_total`,
/// units have a line, and `# EOF` ends it).
void append_metrics(std::string& out, Exposition exposition, const Snapshot& snapshot,
                    const ProcessFacts& facts);

}  // namespace wspush::metrics
