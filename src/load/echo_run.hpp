#pragma once

#include <string>

#include "load/loop.hpp"
#include "load/report.hpp"

namespace wspush::load {

/// The scenario echo: each connection keeps --depth messages in flight and compares every byte that
/// comes back. Errors: the server could not be reached or refused; a wrong or missing echo is in
/// the outcome.
Result<Outcome, std::string> run_echo(const RunContext& context);

}  // namespace wspush::load
