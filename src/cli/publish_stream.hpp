#pragma once

#include "cli/options.hpp"

namespace wspush::cli {

/// `wspush pub --ndjson`: a message a line of standard input, in one request for as long as the
/// input lasts; when the server goes away, in a new one. Returns the exit code: 0 when every line
/// was published or the user ended it, 1 when one failed or its fate is not known.
int run_publish_stream(const Options& options);

}  // namespace wspush::cli
