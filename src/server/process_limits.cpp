#include "server/process_limits.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <malloc.h>
#include <sched.h>
#include <string>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

namespace wspush::server {
namespace {

std::uint64_t page_bytes() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// The limit in a cgroup file; UINT64_MAX where there is none ("max") or no file.
std::uint64_t cgroup_limit(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t bytes = 0;
  return file >> bytes ? bytes : UINT64_MAX;
}

}  // namespace

unsigned usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) {
    return 1;
  }
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

Memory memory_max() {
  Memory most{
      .resident_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page_bytes(),
      .address_space_bytes = UINT64_MAX};
  rlimit address_space{};
  if (::getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY) {
    most.address_space_bytes = address_space.rlim_cur;
  }
  std::string group;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.starts_with("0::")) {
      group = line.substr(3);
    }
  }
  // In a container's own namespace its group is the root of what it sees.
  for (const std::string& path :
       {"/sys/fs/cgroup" + group + "/memory.max", std::string("/sys/fs/cgroup/memory.max"),
        std::string("/sys/fs/cgroup/memory/memory.limit_in_bytes")}) {
    most.resident_bytes = std::min(most.resident_bytes, cgroup_limit(path));
  }
  return most;
}

Memory memory_used() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (!(file >> total >> resident)) {
    return {};
  }
  return {.resident_bytes = resident * page_bytes(), .address_space_bytes = total * page_bytes()};
}

void keep_large_blocks_apart() {
  // Setting it at all is what ends the raising of it (mallopt(3), M_MMAP_THRESHOLD).
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

void release_freed_memory() {
  ::malloc_trim(0);
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
    // Only on kernels older than any that has what else we need.
    seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count() ^
                                      ::getpid());
  }
  return seed;
}

}  // namespace wspush::server
