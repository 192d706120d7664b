#pragma once

#include "server/command_line.hpp"

namespace wspush::server {

/// The daemon from its arguments to its exit code: loads the configuration, starts the reactors,
/// and serves signals and the service manager on the calling thread until it is asked to end.
/// Returns 0 (asked for), 1 (configuration or start failure).
int run_daemon(const CommandLine& line);

}  // namespace wspush::server
