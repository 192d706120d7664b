#include "metrics/process_facts.hpp"

#include <cstdio>
#include <dirent.h>
#include <memory>
#include <sys/resource.h>
#include <unistd.h>

namespace wspush::metrics {
namespace {

std::chrono::microseconds duration_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

std::uint64_t count_open_fds() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  if (folder == nullptr) {
    return 0;
  }
  std::uint64_t entries = 0;
  while (readdir(folder.get()) != nullptr) {  // NOLINT(concurrency-mt-unsafe): a DIR of our own
    ++entries;
  }
  return entries > 3 ? entries - 3 : 0;  // `.`, `..` and the folder's own descriptor
}

std::uint64_t resident_bytes() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"),
                                                             std::fclose);
  unsigned long size = 0;
  unsigned long resident = 0;
  if (file == nullptr || std::fscanf(file.get(), "%lu %lu", &size, &resident) != 2) {
    return 0;
  }
  return std::uint64_t{resident} * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

void read_process_usage(ProcessFacts& facts) {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    facts.cpu_time = duration_of(usage.ru_utime) + duration_of(usage.ru_stime);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    facts.max_fds = limit.rlim_cur;
  }
  facts.open_fds = count_open_fds();
  facts.resident_bytes = resident_bytes();
}

}  // namespace wspush::metrics
