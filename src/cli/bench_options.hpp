#pragma once

#include <span>
#include <string>
#include <string_view>

#include "wspush/base/result.hpp"

#include "load/options.hpp"

namespace wspush::cli {

/// What `wspush bench` was asked for.
struct BenchOptions {
  load::Options run;  ///< the addresses of its targets are still to be resolved
  bool wants_help = false;
  bool json = false;      ///< one line of JSON instead of the table
  bool progress = false;  ///< also where standard error is no terminal
};

/// `arguments` behind `bench`. The error is one line for stderr, exit 2.
Result<BenchOptions, std::string> parse_bench_options(std::span<const char* const> arguments);

/// Fits a screen of 80 columns and 24 lines.
extern const std::string_view kBenchHelp;

}  // namespace wspush::cli
