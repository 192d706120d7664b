#pragma once

#include <string>

#include "load/loop.hpp"
#include "load/report.hpp"

namespace wspush::load {

/// The scenarios idle and pings: subscribers that are connected and silent, but for the answers to
/// the server's pings. Errors: the server could not be reached or refused; a connection that it
/// closed is in the outcome.
Result<Outcome, std::string> run_hold(const RunContext& context);

}  // namespace wspush::load
