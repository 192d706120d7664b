#include "load/delivery_tracker.hpp"

#include <gtest/gtest.h>

namespace wspush::load {
namespace {

TEST(DeliveryTracker, IsDoneWithAMessageWhenTheLastSubscriberHasIt) {
  DeliveryTracker tracker(2);
  EXPECT_EQ(tracker.publish(MonotonicClock::now()), 1U);
  EXPECT_TRUE(tracker.deliver(1));
  EXPECT_EQ(tracker.outstanding(), 1U);
  EXPECT_EQ(tracker.latencies().count(), 0U);
  EXPECT_TRUE(tracker.deliver(1));
  EXPECT_EQ(tracker.outstanding(), 0U);
  EXPECT_EQ(tracker.latencies().count(), 1U);
  EXPECT_EQ(tracker.deliveries(), 2U);
}

TEST(DeliveryTracker, CountsToTheLatestArrivalWhoeverIsReadLast) {
  DeliveryTracker tracker(3);
  const TimePoint start = MonotonicClock::now();
  (void)tracker.publish(start);
  for (const int milliseconds : {2, 7, 3}) {
    tracker.arrived(start + std::chrono::milliseconds(milliseconds));
    EXPECT_TRUE(tracker.deliver(1));
  }
  ASSERT_EQ(tracker.arrivals().count(), 1U);
  EXPECT_EQ(tracker.arrivals().quantile(0.5), std::chrono::milliseconds(7));
}

TEST(DeliveryTracker, HasNoArrivalWhereOneOfThemIsUnknown) {
  DeliveryTracker tracker(3);
  const TimePoint start = MonotonicClock::now();
  (void)tracker.publish(start);
  for (const std::optional<TimePoint> arrival :
       {std::optional(start), std::optional<TimePoint>(), std::optional(start)}) {
    tracker.arrived(arrival);
    EXPECT_TRUE(tracker.deliver(1));
  }
  EXPECT_EQ(tracker.arrivals().count(), 0U);
  EXPECT_EQ(tracker.latencies().count(), 1U);
}

TEST(DeliveryTracker, KeepsAMessageThatALaterOneOvertook) {
  DeliveryTracker tracker(1);
  (void)tracker.publish(MonotonicClock::now());
  (void)tracker.publish(MonotonicClock::now());
  EXPECT_TRUE(tracker.deliver(2));
  EXPECT_EQ(tracker.outstanding(), 2U);
  EXPECT_TRUE(tracker.deliver(1));
  EXPECT_EQ(tracker.outstanding(), 0U);
}

TEST(DeliveryTracker, RefusesNumbersThatWereNotPublishedOrAreDone) {
  DeliveryTracker tracker(1);
  EXPECT_FALSE(tracker.deliver(1));
  (void)tracker.publish(MonotonicClock::now());
  EXPECT_FALSE(tracker.deliver(0));
  EXPECT_FALSE(tracker.deliver(2));
  EXPECT_TRUE(tracker.deliver(1));
  EXPECT_FALSE(tracker.deliver(1));
}

}  // namespace
}  // namespace wspush::load
