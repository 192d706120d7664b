#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "wspush/base/clock.hpp"
#include "wspush/base/result.hpp"

namespace wspush::load {

/// CPU time since the start of the process or of the machine; as the difference of two samples,
/// what was used between them.
struct CpuSample {
  std::uint64_t server_ns = 0;     ///< all threads of the server, system calls included
  std::uint64_t ksoftirqd_ns = 0;  ///< the kernel's helper threads on the cores the server may use
  std::uint64_t user_ticks = 0;    ///< of the server, in the kernel's coarse clock ticks: good for
  std::uint64_t system_ticks = 0;  ///< a share, not for a time

  std::uint64_t total_ns() const { return server_ns + ksoftirqd_ns; }
  /// The part of the server's time that was not spent in system calls, 0 to 1.
  double user_share() const;
  CpuSample operator-(const CpuSample& before) const;
};

/// Reads what a server costs from /proc.
///
/// On loopback the receiver's half of TCP runs in the sender's system call. When a core has too
/// much of it the kernel moves the rest to ksoftirqd, where it would be hidden: so it is counted
/// too. With the generator on another core nobody else causes much of it there.
class ServerMeter {
 public:
  /// Errors: there is no such process. That ksoftirqd cannot be seen (a container) is no error.
  static Result<ServerMeter, std::string> attach(pid_t pid);

  CpuSample cpu() const;
  /// Memory that the process shares with nobody; nullopt where it may not be looked at.
  std::optional<std::uint64_t> private_bytes() const;
  bool sees_ksoftirqd() const { return !ksoftirqd_.empty(); }

 private:
  explicit ServerMeter(pid_t pid) : pid_(pid) {}

  pid_t pid_;
  std::vector<pid_t> ksoftirqd_;
};

/// Parses a list of CPUs as the kernel writes it, `0-1,4`. What cannot be read is left out.
std::vector<int> parse_cpu_list(const std::string& text);

/// The sum of the `Private_...` lines of a smaps_rollup, in bytes; nullopt without any.
std::optional<std::uint64_t> parse_private_bytes(const std::string& text);

/// Takes `utime` and `stime` from a line of /proc/PID/stat. False: it is none.
bool parse_stat_ticks(const std::string& line, CpuSample& into);

/// What the calling thread has used until now.
std::chrono::nanoseconds thread_cpu();

/// What a stretch of a run used.
struct Usage {
  std::chrono::nanoseconds elapsed{};
  std::chrono::nanoseconds generator_cpu{};  ///< of the thread that makes the load
  std::optional<CpuSample> server;           ///< nullopt without a meter

  /// How busy the generator was, 0 to 1: near 1 it was what set the pace.
  double generator_share() const;
};

/// Measures from its construction on. `meter` may be null.
class UsageMeter {
 public:
  explicit UsageMeter(const ServerMeter* meter);
  Usage so_far() const;

 private:
  const ServerMeter* meter_;
  CpuSample server_before_;
  TimePoint start_;
  std::chrono::nanoseconds generator_before_;
};

}  // namespace wspush::load
