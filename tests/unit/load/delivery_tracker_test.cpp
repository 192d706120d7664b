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
