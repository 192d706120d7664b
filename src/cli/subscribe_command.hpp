#pragma once

#include "cli/options.hpp"

namespace wspush::cli {

/// `wspush sub`: runs until it is done, refused or told to stop. Returns the exit code. Lines go to
/// standard output, everything else to standard error.
int run_subscribe(const Options& options);

}  // namespace wspush::cli
