#include "load/scenario.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "load/echo_run.hpp"
#include "load/fan_out_run.hpp"
#include "load/handshake_run.hpp"
#include "load/hold_run.hpp"
#include "load/port_owner.hpp"
#include "load/publish_run.hpp"

namespace wspush::load {
namespace {

// Descriptors besides the connections': standard streams, epoll, what /proc needs.
constexpr std::size_t kSpareDescriptors = 32;

std::size_t connection_count(const Options& options) {
  return options.connections + (options.scenario == Scenario::kStalled ? options.stalled : 0) +
         (options.scenario == Scenario::kPublish ? options.publishers : 1);
}

Result<Outcome, std::string> dispatch(const RunContext& context) {
  switch (context.options.scenario) {
    case Scenario::kFanOut:
    case Scenario::kStalled:
      return run_fan_out(context);
    case Scenario::kEcho:
      return run_echo(context);
    case Scenario::kIdle:
    case Scenario::kPings:
      return run_hold(context);
    case Scenario::kHandshakes:
      return run_handshakes(context);
    case Scenario::kPublish:
      break;
  }
  return run_publish_load(context);
}

}  // namespace

Result<Outcome, std::string> run_scenario(const Options& options, Progress& progress) {
  if (const std::size_t limit = raise_descriptor_limit();
      connection_count(options) + kSpareDescriptors > limit) {
    return Unexpected("this process may open only " + std::to_string(limit) +
                      " descriptors (ulimit -Hn)");
  }
  std::optional<ServerMeter> meter;
  if (options.server_pid > 0) {
    if (const auto owned = require_port_owner(options.server.address, options.server_pid); !owned) {
      return Unexpected(owned.error());
    }
    auto attached = ServerMeter::attach(options.server_pid);
    if (!attached) {
      return Unexpected(attached.error());
    }
    meter.emplace(std::move(*attached));
  }
  std::unique_ptr<TlsClient> tls;
  if (options.server.uses_tls || (options.api && options.api->uses_tls)) {
    auto created = TlsClient::create(options.tls);
    if (!created) {
      return Unexpected(created.error());
    }
    tls = std::move(*created);
  }
  auto outcome = dispatch({.options = options,
                           .meter = meter ? &*meter : nullptr,
                           .tls = tls.get(),
                           .progress = progress});
  progress.clear();
  if (outcome && meter) {
    outcome->report.boolean("sees_ksoftirqd", meter->sees_ksoftirqd());
  }
  return outcome;
}

}  // namespace wspush::load
