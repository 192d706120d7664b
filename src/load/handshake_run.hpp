#pragma once

#include <string>

#include "load/loop.hpp"
#include "load/report.hpp"

namespace wspush::load {

/// The scenario handshakes: connect, upgrade, close, again and again, --connections of them under
/// way at once. Errors: the first that was refused.
Result<Outcome, std::string> run_handshakes(const RunContext& context);

}  // namespace wspush::load
