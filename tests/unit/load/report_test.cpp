#include "load/report.hpp"

#include <gtest/gtest.h>

#include "load/fan_out_run.hpp"

namespace wspush::load {
namespace {

Measurement measurement() {
  Measurement measured;
  measured.messages = 10;
  measured.deliveries = 990;
  measured.publisher_echoes = 10;
  measured.received_bytes = 9900;
  measured.usage = {
      .elapsed = std::chrono::seconds(2),
      .generator_cpu = std::chrono::milliseconds(500),
      .server = CpuSample{
          .server_ns = 3'900'000, .ksoftirqd_ns = 100'000, .user_ticks = 1, .system_ticks = 3}};
  return measured;
}

TEST(Report, SharesTheCpuOfServerAndKsoftirqdAmongAll) {
  EXPECT_DOUBLE_EQ(cpu_us_per(*measurement().usage.server, 1000), 4.0);
  EXPECT_DOUBLE_EQ(cpu_us_per(*measurement().usage.server, 0), 0);
  EXPECT_DOUBLE_EQ(per_second(10, std::chrono::seconds(2)), 5.0);
  EXPECT_DOUBLE_EQ(per_second(10, {}), 0);
}

TEST(Report, SaysTheSameForProgramsAndForPeople) {
  Report report("title");
  report.text("a", "b").boolean("c", true).count("d", 4).number("e", 0.5, 2);
  report.count("f", 6, "six", "apples").microseconds("g_us", std::chrono::microseconds(7), "seven");
  EXPECT_EQ(report.json(), R"({"a":"b","c":true,"d":4,"e":0.50,"f":6,"g_us":7.0})");
  EXPECT_EQ(report.table(),
            "title\n"
            "  six                                         6 apples\n"
            "  seven                                       7 us\n");
}

TEST(Report, OfAFanOutSaysItsFiguresInOneLine) {
  const std::string json = fan_out_report(Options{}, measurement(), Faults{}).json();
  for (const char* field : {R"("cpu_us_per_delivery":4.0000)", R"("deliveries_per_second":495,)",
                            R"("bytes_per_delivery":10.00)", R"("user_share":0.250)",
                            R"("generator_share":0.250)", R"("exactly_once":true})"}) {
    EXPECT_NE(json.find(field), std::string::npos) << field << " in " << json;
  }
  EXPECT_EQ(json.find('\n'), std::string::npos);
}

TEST(Report, IsNotExactWithAnyOneFault) {
  EXPECT_TRUE(is_exact(measurement(), Faults{}));
  for (std::uint64_t Faults::*kind :
       {&Faults::missing, &Faults::duplicates, &Faults::out_of_order, &Faults::gaps,
        &Faults::offset_jumps, &Faults::corrupt, &Faults::closed}) {
    Faults faults;
    faults.*kind = 1;
    EXPECT_FALSE(is_exact(measurement(), faults));
  }
  Measurement stuck = measurement();
  stuck.is_stuck = true;
  EXPECT_FALSE(is_exact(stuck, Faults{}));
}

}  // namespace
}  // namespace wspush::load
