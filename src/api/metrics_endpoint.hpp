#pragma once

#include "api/route.hpp"

namespace wspush::api {

/// GET /metrics: Prometheus text format, OpenMetrics where `Accept` asks for it.
Route show_metrics(const Request& request);

}  // namespace wspush::api
