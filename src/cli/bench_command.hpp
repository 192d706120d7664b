#pragma once

#include <span>

namespace wspush::cli {

/// `wspush bench`: `arguments` are what stands behind it. Returns the exit code: 0 the run was
/// good, 1 it was not or there was no server, 2 wrong usage. Once per process.
int run_bench(std::span<const char* const> arguments);

}  // namespace wspush::cli
