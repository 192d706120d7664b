#pragma once

#include <cstdint>

namespace wspush::server {

/// CPUs that this process may run on (affinity and cgroup cpusets count), at least 1.
unsigned usable_cpus();

/// Two counts of the same process: what is resident, and its address space, which is larger.
struct Memory {
  std::uint64_t resident_bytes = 0;
  std::uint64_t address_space_bytes = 0;
};

/// What this process may use: resident, the lesser of its cgroup's limit and the memory of the
/// machine; address space, RLIMIT_AS (UINT64_MAX: no limit).
Memory memory_max();

/// What it uses now; 0 where it cannot be read.
Memory memory_used();

/// Has the allocator give every block of 1 MiB and more a mapping of its own, that goes back to the
/// system when the block is freed. Left alone, glibc raises that bound to the largest block it has
/// seen freed, and large messages then lie in heaps that one small block among them keeps.
/// Call before the first thread starts.
void keep_large_blocks_apart();

/// Gives back to the system what the allocator keeps of freed memory. Holds up every thread that
/// allocates meanwhile (some 0.1 s for each GiB kept), so for when memory is short.
void release_freed_memory();

/// Chance from the system (getrandom).
std::uint64_t random_seed();

}  // namespace wspush::server
