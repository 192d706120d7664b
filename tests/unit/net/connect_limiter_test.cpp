#include "net/connect_limiter.hpp"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace wspush::net {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow{1h};

IpAddress ip(std::string_view text) {
  auto parsed = parse_ip(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : IpAddress{};
}

/// The n-th of many IPv4 addresses.
IpAddress nth(std::uint32_t n) {
  return ip("10." + std::to_string(n >> 16 & 255) + '.' + std::to_string(n >> 8 & 255) + '.' +
            std::to_string(n & 255));
}

TEST(ConnectLimiter, AdmitsAllAndKeepsNothingWithoutLimits) {
  ConnectLimiter limiter(1);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(limiter.admit(ip("192.0.2.1"), kNow), Admission::kAdmitted);
  }
  EXPECT_EQ(limiter.entries(), 0U);
}

TEST(ConnectLimiter, BoundsTheConnectionsOfOneAddress) {
  ConnectLimiter limiter(1);
  limiter.set_limits(3, 0);
  const IpAddress one = ip("192.0.2.1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(limiter.admit(one, kNow), Admission::kCounted);
  }
  EXPECT_EQ(limiter.admit(one, kNow), Admission::kTooManyConnections);
  EXPECT_EQ(limiter.admit(ip("192.0.2.2"), kNow), Admission::kCounted);
  limiter.release(one, kNow);
  EXPECT_EQ(limiter.admit(one, kNow), Admission::kCounted);
  EXPECT_EQ(limiter.admit(one, kNow), Admission::kTooManyConnections);
}

TEST(ConnectLimiter, ForgetsAnAddressWithItsLastConnection) {
  ConnectLimiter limiter(1);
  limiter.set_limits(10, 0);
  const IpAddress one = ip("192.0.2.1");
  limiter.admit(one, kNow);
  limiter.admit(one, kNow);
  limiter.release(one, kNow);
  EXPECT_EQ(limiter.entries(), 1U);
  limiter.release(one, kNow);
  EXPECT_EQ(limiter.entries(), 0U);
}

TEST(ConnectLimiter, BoundsTheRateOfOneAddress) {
  for (const std::uint64_t rate : {1U, 3U, 7U, 100U, 600'000U}) {
    SCOPED_TRACE(rate);
    ConnectLimiter limiter(1);
    limiter.set_limits(0, rate);
    const IpAddress one = ip("192.0.2.1");
    for (std::uint64_t i = 0; i < rate; ++i) {  // the burst: one second's worth
      ASSERT_EQ(limiter.admit(one, kNow), Admission::kAdmitted) << i;
    }
    EXPECT_EQ(limiter.admit(one, kNow), Admission::kTooFast);
    const Duration interval = Duration(1s) / static_cast<Duration::rep>(rate);
    EXPECT_EQ(limiter.admit(one, kNow + interval - 1ns), Admission::kTooFast);
    EXPECT_EQ(limiter.admit(one, kNow + interval), Admission::kAdmitted);
    EXPECT_EQ(limiter.admit(one, kNow + interval), Admission::kTooFast);
    EXPECT_EQ(limiter.admit(ip("192.0.2.2"), kNow), Admission::kAdmitted);
    for (std::uint64_t i = 0; i < rate; ++i) {  // rested for long, no more than one burst again
      ASSERT_EQ(limiter.admit(one, kNow + 1h), Admission::kAdmitted) << i;
    }
    EXPECT_EQ(limiter.admit(one, kNow + 1h), Admission::kTooFast);
  }
}

TEST(ConnectLimiter, TakesARateBeyondTheClockAsNone) {
  ConnectLimiter limiter(1);
  limiter.set_limits(0, UINT64_MAX);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(limiter.admit(ip("192.0.2.1"), kNow), Admission::kAdmitted);
  }
}

TEST(ConnectLimiter, CountsAnIpv6NetworkOf64BitsAsOneAddress) {
  ConnectLimiter limiter(1);
  limiter.set_limits(1, 0);
  EXPECT_EQ(limiter.admit(ip("2001:db8:1:2::1"), kNow), Admission::kCounted);
  EXPECT_EQ(limiter.admit(ip("2001:db8:1:2:ffff::9"), kNow), Admission::kTooManyConnections);
  EXPECT_EQ(limiter.admit(ip("2001:db8:1:3::1"), kNow), Admission::kCounted);
}

TEST(ConnectLimiter, CountsAnIpv4AddressTheSameOnEveryListener) {
  ConnectLimiter limiter(1);
  limiter.set_limits(1, 0);
  EXPECT_EQ(limiter.admit(ip("192.0.2.1"), kNow), Admission::kCounted);
  EXPECT_EQ(limiter.admit(ip("::ffff:192.0.2.1"), kNow), Admission::kTooManyConnections);
}

TEST(ConnectLimiter, LetsPeersWithoutAnAddressPass) {
  ConnectLimiter limiter(1);
  limiter.set_limits(1, 1);
  EXPECT_EQ(limiter.admit(IpAddress{}, kNow), Admission::kAdmitted);
  EXPECT_EQ(limiter.admit(IpAddress{}, kNow), Admission::kAdmitted);
}

TEST(ConnectLimiter, AppliesChangedLimitsToConnectionsToCome) {
  ConnectLimiter limiter(1);
  const IpAddress one = ip("192.0.2.1");
  EXPECT_EQ(limiter.admit(one, kNow), Admission::kAdmitted);  // not counted: nothing to release
  limiter.set_limits(1, 0);
  EXPECT_EQ(limiter.admit(one, kNow), Admission::kCounted);
  limiter.set_limits(0, 0);
  EXPECT_EQ(limiter.admit(one, kNow), Admission::kAdmitted);
  limiter.set_limits(2, 0);
  EXPECT_EQ(limiter.admit(one, kNow), Admission::kCounted);
  EXPECT_EQ(limiter.admit(one, kNow), Admission::kTooManyConnections);
  limiter.set_limits(0, 0);
  limiter.release(one, kNow);
  limiter.release(one, kNow);
  EXPECT_EQ(limiter.entries(), 0U);
}

TEST(ConnectLimiter, BoundsWhatItRemembersOfThoseWhoLeft) {
  ConnectLimiter limiter(42);
  limiter.set_limits(0, 1);
  for (std::uint32_t i = 0; i < 3 * ConnectLimiter::kIdleEntriesMax; ++i) {
    ASSERT_EQ(limiter.admit(nth(i), kNow), Admission::kAdmitted);
  }
  EXPECT_LE(limiter.entries(), ConnectLimiter::kIdleEntriesMax);
  EXPECT_GT(limiter.entries(), ConnectLimiter::kIdleEntriesMax / 4);
  // A second later nothing of it matters any more, and what comes next clears it away.
  for (std::uint32_t i = 0; i < ConnectLimiter::kIdleEntriesMax; ++i) {
    limiter.admit(nth((4U << 20) + i), kNow + 2s + std::chrono::milliseconds(i));
  }
  EXPECT_LT(limiter.entries(), 8192U);
  limiter.set_limits(0, 0);
  EXPECT_EQ(limiter.entries(), 0U);
}

TEST(ConnectLimiter, NeverGivesUpACountToStayInItsBound) {
  ConnectLimiter limiter(42);
  limiter.set_limits(1, 1);
  const IpAddress held = ip("192.0.2.1");
  ASSERT_EQ(limiter.admit(held, kNow), Admission::kCounted);
  for (std::uint32_t i = 0; i < 2 * ConnectLimiter::kIdleEntriesMax; ++i) {
    ASSERT_EQ(limiter.admit(nth(i), kNow), Admission::kCounted);
    limiter.release(nth(i), kNow);
  }
  EXPECT_LE(limiter.entries(), ConnectLimiter::kIdleEntriesMax + 1);
  EXPECT_EQ(limiter.admit(held, kNow + 1h), Admission::kTooManyConnections);
}

TEST(ConnectLimiter, KeepsCountAmongReactors) {
  ConnectLimiter limiter(1);
  limiter.set_limits(100, 0);
  constexpr int kThreads = 4;
  std::vector<std::uint64_t> counted(kThreads);
  std::vector<std::thread> reactors;
  for (std::size_t t = 0; t < kThreads; ++t) {
    reactors.emplace_back([&limiter, &counted, t] {
      const IpAddress shared = nth(1);
      for (std::uint32_t i = 0; i < 5000; ++i) {
        if (limiter.admit(nth(i % 50 + 2), kNow) == Admission::kCounted) {
          limiter.release(nth(i % 50 + 2), kNow);
        }
        counted[t] += limiter.admit(shared, kNow) == Admission::kCounted ? 1U : 0U;
      }
    });
  }
  for (std::thread& reactor : reactors) {
    reactor.join();
  }
  std::uint64_t all = 0;
  for (const std::uint64_t each : counted) {
    all += each;
  }
  EXPECT_EQ(all, 100U);
  EXPECT_EQ(limiter.entries(), 1U);
}

}  // namespace
}  // namespace wspush::net
