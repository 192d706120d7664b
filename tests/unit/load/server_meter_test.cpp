#include "load/server_meter.hpp"

#include <unistd.h>

#include <gtest/gtest.h>

#include "wspush/base/clock.hpp"

namespace wspush::load {
namespace {

TEST(ServerMeter, ReadsTheKernelsListsOfCpus) {
  EXPECT_EQ(parse_cpu_list("0"), (std::vector<int>{0}));
  EXPECT_EQ(parse_cpu_list("0-2,5"), (std::vector<int>{0, 1, 2, 5}));
  EXPECT_EQ(parse_cpu_list("1,3-4\n"), (std::vector<int>{1, 3, 4}));
  EXPECT_TRUE(parse_cpu_list("").empty());
  EXPECT_TRUE(parse_cpu_list("x,-").empty());
}

TEST(ServerMeter, SeesTimeThatAProcessSpends) {
  const auto meter = ServerMeter::attach(::getpid());
  ASSERT_TRUE(meter);
  const CpuSample before = meter->cpu();
  const TimePoint end = MonotonicClock::now() + std::chrono::seconds(20);
  CpuSample now = before;
  while (now.server_ns < before.server_ns + 5'000'000 && MonotonicClock::now() < end) {
    now = meter->cpu();
  }
  EXPECT_GE(now.server_ns, before.server_ns + 5'000'000);
}

TEST(ServerMeter, SaysWhenThereIsNoSuchProcess) {
  const auto meter = ServerMeter::attach(1 << 29);  // above pid_max
  ASSERT_FALSE(meter);
  EXPECT_EQ(meter.error(), "there is no process 536870912");
}

TEST(ServerMeter, AddsUpWhatIsPrivate) {
  EXPECT_EQ(parse_private_bytes("Rss: 900 kB\nPrivate_Clean:  4 kB\nPrivate_Dirty: 12 kB\n"
                                "Private_Hugetlb: 2048 kB\n"),
            16U * 1024);
  EXPECT_EQ(parse_private_bytes("Rss: 900 kB\n"), std::nullopt);
}

TEST(ServerMeter, TakesTicksBehindANameThatHoldsAnything) {
  CpuSample sample;
  ASSERT_TRUE(parse_stat_ticks("7 (a) b (c)) S 1 7 7 0 -1 4 1 2 3 4 30 10 0 0 20 0", sample));
  EXPECT_EQ(sample.user_ticks, 30U);
  EXPECT_EQ(sample.system_ticks, 10U);
  EXPECT_DOUBLE_EQ(sample.user_share(), 0.75);
  EXPECT_FALSE(parse_stat_ticks("7", sample));
  EXPECT_DOUBLE_EQ(CpuSample{}.user_share(), 0);
}

TEST(ServerMeter, SeesTheMemoryOfAProcess) {
  const auto meter = ServerMeter::attach(::getpid());
  ASSERT_TRUE(meter);
  EXPECT_GT(meter->private_bytes().value_or(0), 65536U);
}

TEST(UsageMeter, MeasuresTimeAndTheThreadsOwnCpu) {
  const auto meter = ServerMeter::attach(::getpid());
  ASSERT_TRUE(meter);
  const UsageMeter usage(&*meter);
  const TimePoint end = MonotonicClock::now() + std::chrono::seconds(20);
  while (usage.so_far().generator_cpu < std::chrono::milliseconds(2) &&
         MonotonicClock::now() < end) {
  }
  const Usage used = usage.so_far();
  EXPECT_GE(used.generator_cpu, std::chrono::milliseconds(2));
  EXPECT_GE(used.elapsed, used.generator_cpu);
  EXPECT_GT(used.generator_share(), 0);
  EXPECT_TRUE(used.server);
  EXPECT_FALSE(UsageMeter(nullptr).so_far().server);
}

}  // namespace
}  // namespace wspush::load
