#pragma once

#include <string>

#include "load/loop.hpp"
#include "load/report.hpp"

namespace wspush::load {

/// The scenario publish: publishers that always have --depth messages under way, and subscribers
/// that see whether all of them come. Errors: the server could not be reached or refused a
/// connection; a refused message is in the outcome.
Result<Outcome, std::string> run_publish_load(const RunContext& context);

}  // namespace wspush::load
