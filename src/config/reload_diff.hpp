#pragma once

#include <string>
#include <vector>

#include "wspush/config/config.hpp"

// What SIGHUP may change, by the table of keys.
namespace wspush::config {

/// The outcome of comparing the running configuration with a newly loaded one.
struct ReloadDiff {
  std::vector<std::string> applied;        ///< changed keys that take effect now
  std::vector<std::string> needs_restart;  ///< changed keys that do not; the running value stays
  Config merged;                           ///< `running` with the reloadable keys of `loaded`
};

/// Compares key by key, in the table's order; lists of sections (`topics`) are named by the first
/// level at which they differ: `topics[1].history.ttl`, or `topics` where their number differs.
/// A listener keeps its place; its reloadable keys are taken from the listener of the same address.
/// Only paths are named, never values. Pure.
ReloadDiff compare_for_reload(const Config& running, const Config& loaded);

}  // namespace wspush::config
