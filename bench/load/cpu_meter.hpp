#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

#include "wspush/base/result.hpp"

namespace wspush::load {

/// CPU time since the start of the process or of the machine, in ns.
struct CpuSample {
  std::uint64_t server_ns = 0;     ///< all threads of the server, system calls included
  std::uint64_t ksoftirqd_ns = 0;  ///< the kernel's helper threads on the cores the server may use
};

/// Reads what a server costs from /proc.
///
/// On loopback the receiver's half of TCP runs in the sender's system call. When a core has too
/// much of it the kernel moves the rest to ksoftirqd, where it would be hidden: so it is counted
/// too. With the generator on another core nobody else causes much of it there.
class CpuMeter {
 public:
  /// Errors: there is no such process. That ksoftirqd cannot be seen (a container) is no error.
  static Result<CpuMeter, std::string> attach(pid_t pid);

  CpuSample sample() const;
  bool sees_ksoftirqd() const { return !ksoftirqd_.empty(); }

 private:
  explicit CpuMeter(pid_t pid) : pid_(pid) {}

  pid_t pid_;
  std::vector<pid_t> ksoftirqd_;
};

/// Parses a list of CPUs as the kernel writes it, `0-1,4`. What cannot be read is left out.
std::vector<int> parse_cpu_list(const std::string& text);

}  // namespace wspush::load
