// The load generator: N subscribers of one topic, one publisher, one thread. See `--help`.

#include <cstdio>
#include <optional>
#include <string_view>

#include "cpu_meter.hpp"
#include "fan_out_run.hpp"
#include "options.hpp"
#include "port_owner.hpp"
#include "report.hpp"
#include "sockets.hpp"

namespace wspush::load {
namespace {

constexpr int kExitFault = 1;
constexpr int kExitUsage = 2;
// Descriptors besides the subscribers': standard streams, epoll, publisher, what /proc needs.
constexpr std::size_t kSpareDescriptors = 32;

int complain(const std::string& what, int code) {
  std::fprintf(stderr, "fan_out: %s\n", what.c_str());
  return code;
}

int main_of(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") {
    std::fputs(usage(), stdout);
    return 0;
  }
  const auto options = parse_options(argc, argv);
  if (!options) {
    return complain(options.error() + " (see --help)", kExitUsage);
  }
  if (const std::size_t limit = raise_descriptor_limit();
      options->subscribers + kSpareDescriptors > limit) {
    return complain("this process may open only " + std::to_string(limit) + " descriptors",
                    kExitUsage);
  }
  std::optional<CpuMeter> meter;
  if (options->server_pid > 0) {
    if (const auto owned = require_port_owner(options->server, options->server_pid); !owned) {
      return complain(owned.error(), kExitFault);
    }
    auto attached = CpuMeter::attach(options->server_pid);
    if (!attached) {
      return complain(attached.error(), kExitFault);
    }
    meter.emplace(std::move(*attached));
    if (!meter->sees_ksoftirqd()) {
      std::fputs("fan_out: ksoftirqd cannot be seen here, its CPU is not counted\n", stderr);
    }
  }
  FanOutRun run(*options, meter ? &*meter : nullptr);
  const auto measured = run.execute();
  if (!measured) {
    return complain(measured.error(), kExitFault);
  }
  if (!options->json_only) {
    std::fputs(to_table(*options, *measured, run.faults()).c_str(), stdout);
  }
  std::printf("%s\n", to_json(*options, *measured, run.faults()).c_str());
  return is_exact(*measured, run.faults()) ? 0 : kExitFault;
}

}  // namespace
}  // namespace wspush::load

int main(int argc, char** argv) {
  return wspush::load::main_of(argc, argv);
}
