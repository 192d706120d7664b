#include "cpu_meter.hpp"

#include <unistd.h>

#include <gtest/gtest.h>

#include "wspush/base/clock.hpp"

namespace wspush::load {
namespace {

TEST(CpuMeter, ReadsTheKernelsListsOfCpus) {
  EXPECT_EQ(parse_cpu_list("0"), (std::vector<int>{0}));
  EXPECT_EQ(parse_cpu_list("0-2,5"), (std::vector<int>{0, 1, 2, 5}));
  EXPECT_EQ(parse_cpu_list("1,3-4\n"), (std::vector<int>{1, 3, 4}));
  EXPECT_TRUE(parse_cpu_list("").empty());
  EXPECT_TRUE(parse_cpu_list("x,-").empty());
}

TEST(CpuMeter, SeesTimeThatAProcessSpends) {
  const auto meter = CpuMeter::attach(::getpid());
  ASSERT_TRUE(meter);
  const CpuSample before = meter->sample();
  const TimePoint end = MonotonicClock::now() + std::chrono::seconds(20);
  CpuSample now = before;
  while (now.server_ns < before.server_ns + 5'000'000 && MonotonicClock::now() < end) {
    now = meter->sample();
  }
  EXPECT_GE(now.server_ns, before.server_ns + 5'000'000);
}

TEST(CpuMeter, SaysWhenThereIsNoSuchProcess) {
  const auto meter = CpuMeter::attach(1 << 29);  // above pid_max
  ASSERT_FALSE(meter);
  EXPECT_EQ(meter.error(), "there is no process 536870912");
}

}  // namespace
}  // namespace wspush::load
