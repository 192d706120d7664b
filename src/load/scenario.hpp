#pragma once

#include <string>

#include "load/loop.hpp"
#include "load/report.hpp"

namespace wspush::load {

/// Runs the scenario that `options` name, against `options.server`: checks that the server is the
/// process it was said to be, opens what is needed, measures. Errors: one sentence for people; what
/// was lost or wrong in a run that went to its end is in the outcome.
///
/// Thread: the only one. SIGPIPE must be ignored where TLS is used.
Result<Outcome, std::string> run_scenario(const Options& options, Progress& progress);

}  // namespace wspush::load
