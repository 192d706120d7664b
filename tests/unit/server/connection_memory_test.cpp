#include <algorithm>
#include <cstdio>

#include <gtest/gtest.h>

#include "base/slot_map.hpp"
#include "door/raw_session.hpp"
#include "door/wspush_v1_session.hpp"
#include "hub/subscription_table.hpp"
#include "hub/topic.hpp"
#include "net/tls_stream.hpp"
#include "server/socket_connection.hpp"

// What an idle connection costs, record by record. bench/memory/idle_connections.py measures the
// same from outside; this says which record has grown.
namespace wspush::server {
namespace {

struct Part {
  const char* what;
  std::size_t bytes;
};

std::size_t print_and_add(std::initializer_list<Part> parts) {
  std::size_t sum = 0;
  for (const Part& part : parts) {
    std::printf("%6zu  %s\n", part.bytes, part.what);
    sum += part.bytes;
  }
  std::printf("%6zu  together\n", sum);
  return sum;
}

constexpr std::size_t kSlotBytes = 8;    // generation and free list of a SlotMap
constexpr std::size_t kTimerBytes = 12;  // a node of the TimerWheel, which asserts it
constexpr std::size_t kIndexBytes = 4;

/// A subscription with its places in the tables that find it; the index is at most 3/4 full and
/// at least 3/8.
std::size_t subscription_bytes() {
  return sizeof(hub::Subscription) + sizeof(hub::Member) + kIndexBytes * 8 / 3;
}

TEST(ConnectionMemory, OfAnIdleOneWithOneTopicIsWithinItsBudget) {
  const std::size_t sum = print_and_add({
      {"connection, in its slot", kSlotBytes + sizeof(SocketConnection)},
      {"session (wspush.v1 or raw), from the pool",
       std::max(sizeof(door::WspushV1Session), sizeof(door::RawSession))},
      {"timer", kTimerBytes},
      {"busy byte", 1},
      {"subscription", subscription_bytes()},
      {"lists of the connection's subscriptions", 12},
      {"descriptor, for the hub", sizeof(std::int32_t)},
  });
  EXPECT_LE(sum, 256U);
}

/// As glibc rounds it up, with its own header.
constexpr std::size_t heap_bytes(std::size_t bytes) {
  return std::max<std::size_t>(32, (bytes + 8 + 15) / 16 * 16);
}

TEST(ConnectionMemory, OfAnIdleTopicWithOneSubscriberIsWithinItsBudget) {
  EXPECT_LE(print_and_add({
                {"topic, in its slot; its one member and a name of 15 bytes are in it",
                 kSlotBytes + sizeof(hub::Topic)},
                {"what only its home has", heap_bytes(sizeof(hub::Home))},
                {"place in the table of names, on average", kIndexBytes * 2},
            }),
            300U);
}

TEST(ConnectionMemory, OfTls13BehindItsHandshakeIsWithinItsBudget) {
  constexpr std::size_t kAllocatorBytes = 8;  // a header, before each of them
  EXPECT_LE(print_and_add({
                {"stream", kAllocatorBytes + sizeof(net::TlsStream)},
                {"records: keys, numbers", kAllocatorBytes + sizeof(net::TlsRecords)},
            }),
            352U);
}

TEST(ConnectionMemory, OfASubscriptionIsWithinItsBudget) {
  EXPECT_LE(print_and_add({
                {"record", sizeof(hub::Subscription)},
                {"member", sizeof(hub::Member)},
                {"index, on average", kIndexBytes * 2},
            }),
            40U);
}

TEST(ConnectionMemory, OfAStalledSubscriptionIsWithinItsBudget) {
  EXPECT_LE(print_and_add({
                {"record", sizeof(hub::Subscription)},
                {"index, at most", kIndexBytes * 8 / 3},
                {"cursor", sizeof(hub::Behind)},
            }),
            64U);
}

}  // namespace
}  // namespace wspush::server
