#pragma once

#include <string>

#include "fan_out_run.hpp"
#include "faults.hpp"
#include "options.hpp"

namespace wspush::load {

/// True if the run is good: nothing missing, nothing wrong, not given up.
bool is_exact(const Measurement& measured, const Faults& faults);

/// CPU of the server and of ksoftirqd on its cores by all deliveries, in us; 0 without deliveries.
double cpu_us_per_delivery(const Measurement& measured);

/// One line of JSON, its keys are read by scripts/bench and the tests. No line end.
std::string to_json(const Options& options, const Measurement& measured, const Faults& faults);

/// The same for people, several lines.
std::string to_table(const Options& options, const Measurement& measured, const Faults& faults);

}  // namespace wspush::load
