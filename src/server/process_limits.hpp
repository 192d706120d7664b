#pragma once

#include <cstdint>

namespace wspush::server {

/// CPUs that this process may run on (affinity and cgroup cpusets count), at least 1.
unsigned usable_cpus();

/// Bytes that this process may use: the least of its cgroup's limit, RLIMIT_AS and the memory of
/// the machine.
std::uint64_t memory_bytes_max();

/// Bytes resident now.
std::uint64_t resident_bytes();

/// Chance from the system (getrandom).
std::uint64_t random_seed();

}  // namespace wspush::server
