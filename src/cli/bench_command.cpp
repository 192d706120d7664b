#include "cli/bench_command.hpp"

#include <csignal>
#include <cstdio>
#include <string>
#include <unistd.h>

#include "cli/bench_options.hpp"
#include "cli/descriptor_io.hpp"
#include "load/scenario.hpp"

namespace wspush::cli {
namespace {

load::Progress::Mode progress_mode(const BenchOptions& options) {
  if (::isatty(STDERR_FILENO) == 1) {
    return load::Progress::Mode::kTerminal;
  }
  return options.progress ? load::Progress::Mode::kLines : load::Progress::Mode::kOff;
}

Result<void, std::string> resolve(load::Target& target) {
  auto address = load::resolve(target.host, target.address.port);
  if (!address) {
    return Unexpected(std::move(address.error()));
  }
  target.address = *address;
  return {};
}

int fail(const std::string& why, int code) {
  note(why);
  return code;
}

}  // namespace

int run_bench(std::span<const char* const> arguments) {
  auto options = parse_bench_options(arguments);
  if (!options) {
    return fail(options.error(), 2);
  }
  if (options->wants_help) {
    std::fputs(std::string(kBenchHelp).c_str(), stdout);
    return 0;
  }
  // OpenSSL writes to sockets without MSG_NOSIGNAL.
  (void)std::signal(SIGPIPE, SIG_IGN);
  load::Options& run = options->run;
  if (auto resolved = resolve(run.server); !resolved) {
    return fail(resolved.error(), 1);
  }
  if (run.api) {
    if (auto resolved = resolve(*run.api); !resolved) {
      return fail(resolved.error(), 1);
    }
  }
  load::Progress progress(progress_mode(*options));
  const auto outcome = load::run_scenario(run, progress);
  if (!outcome) {
    return fail("bench: " + outcome.error(), 1);
  }
  const load::Report& report = outcome->report;
  std::fputs(options->json ? (report.json() + "\n").c_str() : report.table().c_str(), stdout);
  if (std::fflush(stdout) != 0) {
    return fail("bench: standard output cannot be written", 1);
  }
  return outcome->is_good ? 0 : fail("bench: " + outcome->fault, 1);
}

}  // namespace wspush::cli
