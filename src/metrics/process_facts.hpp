#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "wspush/base/clock.hpp"

namespace wspush::metrics {

/// Whether a broker (an engine's or a bridge's) answers; its name is the label.
struct BrokerState {
  std::string name;
  bool is_up = false;
};

/// What is not counted by reactors. The server fills in what it alone knows: version, start,
/// brokers, dropped log lines.
struct ProcessFacts {
  std::string version;
  WallTime started_at{};
  std::uint64_t log_dropped = 0;
  std::vector<BrokerState> brokers;  ///< empty: the metric is left out

  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;
  std::uint64_t resident_bytes = 0;
  std::chrono::microseconds cpu_time{0};  ///< user and system
};

/// Fills in the last four from getrusage, getrlimit and /proc/self; what cannot be read stays 0.
/// Thread: any. Cost: O(open descriptors), a few ms at 20,000: for a request of an operator.
void read_process_usage(ProcessFacts& facts);

}  // namespace wspush::metrics
