#include "metrics/process_facts.hpp"

#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/resource.h>
#include <vector>

#include <gtest/gtest.h>

#include "base/unique_fd.hpp"

namespace wspush::metrics {
namespace {

ProcessFacts read() {
  ProcessFacts facts;
  read_process_usage(facts);
  return facts;
}

TEST(ProcessFacts, CountsDescriptors) {
  const std::uint64_t before = read().open_fds;
  EXPECT_GE(before, 1U);
  std::vector<UniqueFd> held;
  for (int i = 0; i < 5; ++i) {
    held.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  EXPECT_EQ(read().open_fds, before + 5);
  held.clear();
  EXPECT_EQ(read().open_fds, before);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(read().max_fds, limit.rlim_cur);
}

TEST(ProcessFacts, SeesMemoryAndCpuGrow) {
  const ProcessFacts before = read();
  constexpr std::size_t kBytes = 64 << 20;
  const std::unique_ptr<char[]> memory(new char[kBytes]);
  std::uint64_t sum = 0;
  do {  // until the kernel's clock has moved on by a tick
    std::memset(memory.get(), static_cast<int>(sum++), kBytes);
  } while (read().cpu_time == before.cpu_time);
  const ProcessFacts after = read();
  EXPECT_GE(after.resident_bytes, before.resident_bytes + kBytes / 2);
  EXPECT_GT(after.cpu_time, before.cpu_time);
}

}  // namespace
}  // namespace wspush::metrics
