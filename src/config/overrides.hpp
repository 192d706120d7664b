#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/fault_list.hpp"
#include "config/yaml_tree.hpp"

// `--set a.b=YAML` and WSPUSHD_A__B=YAML, laid over the tree of the file.
namespace wspush::config {

/// How a fault names an override: `--set heartbeat.pong`.
std::string set_source(std::string_view path);

/// Puts the value of each variable that begins with WSPUSHD_ into `root`, in order. A mapping goes
/// key by key into the section that is there, anything else (lists as a whole) replaces what was
/// there. Each override is a source of its own in `faults`; one that names no key or is bad YAML
/// is a fault and changes nothing.
///
/// Passed over are the variables that Kubernetes makes for a service called `wspushd`
/// (WSPUSHD_SERVICE_HOST, WSPUSHD_PORT_8080_TCP_ADDR ...): nobody wrote them, so nobody can be
/// blamed for them.
void apply_environment(Node& root,
                       const std::vector<std::pair<std::string, std::string>>& environment,
                       FaultList& faults);

/// The same for --set, each `PATH=YAML`; of two with one path the later wins.
void apply_sets(Node& root, const std::vector<std::string>& sets, FaultList& faults);

}  // namespace wspush::config
