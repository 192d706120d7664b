#pragma once

#include "cli/options.hpp"

namespace wspush::cli {

/// `wspush pub` of one message: its argument, or all of standard input. Returns the exit code.
int run_publish(const Options& options);

}  // namespace wspush::cli
