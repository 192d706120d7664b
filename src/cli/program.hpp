#pragma once

#include <span>
#include <string_view>

namespace wspush::cli {

/// All of `wspush`: reads `arguments` (without the program's name), does what they ask for, returns
/// the exit code: 0 done, 1 failed, 2 wrong usage. Once per process, before any thread is started.
int run_program(std::span<const char* const> arguments, std::string_view version);

}  // namespace wspush::cli
