#include "metrics/accept_header.hpp"

#include <string>

#include <gtest/gtest.h>

#include "metrics/prometheus_text.hpp"

namespace wspush::metrics {
namespace {

int text_quality(ByteView accept) {
  return preference_for(accept, "text/plain", "0.0.4").quality;
}

TEST(AcceptHeader, TakesTheMostSpecificRange) {
  EXPECT_EQ(text_quality(""), 0);
  EXPECT_EQ(text_quality("text/plain"), 1000);
  EXPECT_EQ(text_quality("*/*;q=0.1"), 100);
  EXPECT_EQ(text_quality("text/*;q=0.2, */*;q=0.9"), 200);
  EXPECT_EQ(text_quality("*/*, text/plain;q=0.3, text/*"), 300);
  EXPECT_EQ(text_quality("text/html, application/*"), 0);
  EXPECT_EQ(text_quality("text/plain;q=0"), 0);
  EXPECT_EQ(text_quality("TEXT/Plain ; Q=0.75"), 750);
  EXPECT_EQ(text_quality("text/plain;version=0.0.4;q=0.4, text/plain;version=9;q=1"), 400);
  EXPECT_EQ(text_quality("text/plain;charset=utf-8;q=0.4;x"), 400);
}

TEST(AcceptHeader, PassesOverMalformedRanges) {
  for (const char* accept :
       {"text/plain;q=2", "text/plain;q=1.5", "text/plain;q=0.0001",
        "text/plain;q=", "text/plain;q", "text/plain;q=-1", "text/plain;q=x", "text/plain;q=0x1",
        "text/plain;q=10", "/", ",,;;,", "text/", "plain"}) {
    EXPECT_EQ(text_quality(accept), 0) << accept;
    EXPECT_EQ(text_quality(std::string(accept) + ", text/plain;q=0.5"), 500) << accept;
  }
  EXPECT_EQ(text_quality("text/plain;q=1.000"), 1000);
  EXPECT_EQ(text_quality("text/plain;q=0.001"), 1);
  EXPECT_EQ(text_quality("text/plain;q=1."), 1000);
}

TEST(AcceptHeader, ChoosesOpenMetricsOnlyWhereItIsNamedAndNotWantedLess) {
  const auto chosen = [](ByteView accept) { return choose_exposition(accept); };
  const auto open_metrics = Exposition::kOpenMetrics;
  const auto text = Exposition::kPrometheusText;
  EXPECT_EQ(chosen(""), text);
  EXPECT_EQ(chosen("*/*"), text);
  EXPECT_EQ(chosen("application/*"), text);
  EXPECT_EQ(chosen("application/openmetrics-text"), open_metrics);
  EXPECT_EQ(chosen("application/openmetrics-text;version=1.0.0;q=0.5,"
                   "application/openmetrics-text;version=0.0.1;q=0.4,"
                   "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"),
            open_metrics);
  EXPECT_EQ(chosen("application/openmetrics-text;version=0.0.1,*/*;q=0.1"), text);
  EXPECT_EQ(chosen("text/plain;q=0.6, application/openmetrics-text;q=0.5"), text);
  EXPECT_EQ(chosen("text/plain;q=0.5, application/openmetrics-text;q=0.5"), open_metrics);
  EXPECT_EQ(chosen("application/openmetrics-text;q=0"), text);
}

}  // namespace
}  // namespace wspush::metrics
