#include "metrics/reactor_metrics.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace wspush::metrics {
namespace {

// Two reactors never count on the same line.
static_assert(alignof(ReactorMetrics) == 64 && sizeof(ReactorMetrics) % 64 == 0);

using std::chrono::microseconds;
using std::chrono::nanoseconds;

Snapshot snapshot_of(const ReactorMetrics& metrics) {
  Snapshot snapshot;
  metrics.add_to(snapshot);
  return snapshot;
}

TEST(ReactorMetrics, CountsEachEventInItsOwnCellAndNoOther) {
  ReactorMetrics metrics;
  Snapshot expected;
  const auto check = [&](std::size_t cell, std::uint64_t by) {
    expected.cells[cell] += by;
    EXPECT_EQ(snapshot_of(metrics).cells, expected.cells) << "cell " << cell;
  };
  for (std::size_t i = 0; i < static_cast<std::size_t>(Metric::kConnections); ++i) {
    metrics.add(static_cast<Metric>(i), i + 1);
    check(i, i + 1);
  }
  for (std::size_t i = 0; i < kLimitCount; ++i) {
    metrics.limit_hit(static_cast<Limit>(i));
    check(first_cell(Metric::kLimitHits) + i, 1);
  }
  metrics.reloaded(ReloadResult::kOk);
  check(first_cell(Metric::kReloads), 1);
  metrics.reloaded(ReloadResult::kError);
  check(first_cell(Metric::kReloads) + 1, 1);
  for (std::size_t i = 0; i < kTlsHandshakeCount; ++i) {
    metrics.tls_handshakes(static_cast<TlsHandshake>(i), i + 2);
    check(first_cell(Metric::kTlsHandshakes) + i, i + 2);
  }
}

TEST(ReactorMetrics, SumsReactors) {
  ReactorMetrics first;
  ReactorMetrics second;
  first.add(Metric::kDeliveries, 5);
  second.add(Metric::kDeliveries, 7);
  // Counted in by one, out by the other.
  first.add(Metric::kSubscriptions, 3);
  second.subtract(Metric::kSubscriptions, 2);
  first.set(Metric::kTopics, 10);
  first.set(Metric::kTopics, 4);
  Snapshot sum;
  first.add_to(sum);
  second.add_to(sum);
  EXPECT_EQ(sum.value(Metric::kDeliveries), 12U);
  EXPECT_EQ(sum.value(Metric::kSubscriptions), 1U);
  EXPECT_EQ(sum.value(Metric::kTopics), 4U);
}

TEST(ReactorMetrics, FollowsAConnectionThroughItsDoors) {
  ReactorMetrics metrics;
  metrics.connection_opened();
  metrics.connection_opened();
  metrics.connection_moved(DoorLabel::kHttp, DoorLabel::kRaw);
  Snapshot snapshot = snapshot_of(metrics);
  EXPECT_EQ(snapshot.connections(DoorLabel::kHttp), 1U);
  EXPECT_EQ(snapshot.connections(DoorLabel::kRaw), 1U);
  metrics.connection_closed(DoorLabel::kRaw);
  metrics.connection_closed(DoorLabel::kHttp);
  snapshot = snapshot_of(metrics);
  for (std::size_t door = 0; door < kDoorLabelCount; ++door) {
    EXPECT_EQ(snapshot.value(Metric::kConnections, door), 0U);
  }
  EXPECT_EQ(snapshot.value(Metric::kConnectionsOpened, 0), 2U);
  EXPECT_EQ(snapshot.value(Metric::kConnectionsOpened, static_cast<std::size_t>(DoorLabel::kRaw)),
            1U);
}

TEST(ReactorMetrics, HasACellForEveryCloseCodeAndStatusThereCanBe) {
  // The whole range: a known code in its own cell, everything else in `other`.
  for (int code = 0; code <= 0xffff; ++code) {
    ReactorMetrics metrics;
    metrics.closed(code);
    std::size_t place = 0;
    while (place < std::size(kCloseCodes) && kCloseCodes[place] != code) {
      ++place;
    }
    Snapshot expected;
    expected.cells[first_cell(Metric::kCloses) + place] = 1;
    ASSERT_EQ(snapshot_of(metrics).cells, expected.cells) << code;
  }
  for (int status = 0; status < 1000; ++status) {
    ReactorMetrics metrics;
    metrics.handshake_refused(status);
    std::size_t place = 0;
    while (place < std::size(kRefusalStatuses) && kRefusalStatuses[place] != status) {
      ++place;
    }
    ASSERT_EQ(snapshot_of(metrics).value(Metric::kHandshakesRefused, place), 1U) << status;
  }
}

TEST(ReactorMetrics, PutsATurnIntoTheFirstBucketThatHoldsIt) {
  const std::size_t buckets = kTurnBucketsMicroseconds.size();
  const auto bucket_of = [&](Duration elapsed) {
    ReactorMetrics metrics;
    metrics.observe_turn(elapsed);
    const Snapshot snapshot = snapshot_of(metrics);
    std::size_t found = buckets + 1;
    for (std::size_t i = 0; i <= buckets; ++i) {
      if (snapshot.value(Metric::kLoopTurnSeconds, i) != 0) {
        EXPECT_EQ(found, buckets + 1) << "in two buckets";
        found = i;
      }
    }
    EXPECT_EQ(snapshot.value(Metric::kLoopTurnSeconds, buckets + 1),
              static_cast<std::uint64_t>(std::max<std::int64_t>(0, elapsed.count())));
    return found;
  };
  EXPECT_EQ(bucket_of(Duration::zero()), 0U);
  EXPECT_EQ(bucket_of(-nanoseconds(5)), 0U);
  for (std::size_t i = 0; i < buckets; ++i) {
    const Duration bound = microseconds(kTurnBucketsMicroseconds[i]);
    EXPECT_EQ(bucket_of(bound - nanoseconds(1)), i);
    EXPECT_EQ(bucket_of(bound), i);
    EXPECT_EQ(bucket_of(bound + nanoseconds(1)), i + 1);
  }
  EXPECT_EQ(bucket_of(std::chrono::hours(1)), buckets);
}

TEST(ReactorMetrics, StandsOnCacheLinesOfItsOwn) {
  EXPECT_EQ(alignof(ReactorMetrics), 64U);
  EXPECT_EQ(sizeof(ReactorMetrics) % 64, 0U);
}

TEST(ReactorMetrics, IsReadWhileItsOwnerCounts) {
  constexpr std::uint64_t kEvents = 200'000;
  std::vector<ReactorMetrics> reactors(2);
  std::atomic<int> running = 2;
  std::vector<std::thread> threads;
  for (ReactorMetrics& metrics : reactors) {
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < kEvents; ++i) {
        metrics.add(Metric::kDeliveries, 1);
        metrics.limit_hit(Limit::kMessageBytes);
      }
      --running;
    });
  }
  std::uint64_t last = 0;
  while (running > 0) {
    Snapshot sum;
    for (const ReactorMetrics& metrics : reactors) {
      metrics.add_to(sum);
    }
    EXPECT_GE(sum.value(Metric::kDeliveries), last);
    last = sum.value(Metric::kDeliveries);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  Snapshot sum;
  for (const ReactorMetrics& metrics : reactors) {
    metrics.add_to(sum);
  }
  EXPECT_EQ(sum.value(Metric::kDeliveries), 2 * kEvents);
  EXPECT_EQ(sum.limit_hits(Limit::kMessageBytes), 2 * kEvents);
}

}  // namespace
}  // namespace wspush::metrics
