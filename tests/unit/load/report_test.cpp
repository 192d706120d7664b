#include "report.hpp"

#include <gtest/gtest.h>

namespace wspush::load {
namespace {

Measurement measurement() {
  Measurement measured;
  measured.messages = 10;
  measured.deliveries = 990;
  measured.publisher_echoes = 10;
  measured.received_bytes = 9900;
  measured.elapsed = std::chrono::seconds(2);
  measured.cpu = CpuSample{.server_ns = 3'900'000, .ksoftirqd_ns = 100'000};
  return measured;
}

TEST(Report, SharesTheCpuOfServerAndKsoftirqdAmongAllDeliveries) {
  EXPECT_DOUBLE_EQ(cpu_us_per_delivery(measurement()), 4.0);
}

TEST(Report, SaysTheFiguresInOneLine) {
  const std::string json = to_json(Options{}, measurement(), Faults{});
  EXPECT_NE(json.find(R"("cpu_us_per_delivery":4.0000)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("deliveries_per_second":495,)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("bytes_per_delivery":10.00)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("exactly_once":true})"), std::string::npos) << json;
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
  Measurement stalled = measurement();
  stalled.is_stalled = true;
  EXPECT_FALSE(is_exact(stalled, Faults{}));
}

}  // namespace
}  // namespace wspush::load
