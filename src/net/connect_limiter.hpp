#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "wspush/base/clock.hpp"

#include "net/address.hpp"

namespace wspush::net {

enum class Admission : std::uint8_t {
  kAdmitted,            ///< and nothing to give back
  kCounted,             ///< admitted; release() it when it ends
  kTooManyConnections,  ///< `limits.connections_per_ip` is reached
  kTooFast,             ///< `limits.connect_rate_per_ip` is reached
};

constexpr bool is_refused(Admission admission) {
  return admission == Admission::kTooManyConnections || admission == Admission::kTooFast;
}

/// `limits.connections_per_ip` and `limits.connect_rate_per_ip`, over all reactors.
///
/// An address is one IPv4 address or one IPv6 /64: a /64 is the smallest network a customer gets,
/// and its owner could otherwise come from 2^64 addresses. Peers without one (unix) pass. The rate
/// allows a burst of one second's worth, at least 1; refused attempts do not count towards it.
///
/// Memory: an entry for each address with counted connections, and at most kIdleEntriesMax more for
/// those whose rate is remembered; beyond that the oldest knowledge is given up, which only ever
/// lets more in. Nothing at all while both limits are 0.
///
/// Thread: any. Cost: two atomic loads without limits; else one of 16 mutexes, held for a look-up.
class ConnectLimiter {
 public:
  static constexpr std::size_t kIdleEntriesMax = 64 << 10;

  /// `seed` keeps the table's order from whom it counts.
  explicit ConnectLimiter(std::uint64_t seed) : seed_(seed) {}

  /// 0: no limit. Applies to connections to come; what was counted stays counted.
  void set_limits(std::uint64_t connections_per_ip, std::uint64_t connect_rate_per_ip);

  /// A connection from `address` has come. The caller remembers kCounted with the connection.
  Admission admit(const IpAddress& address, TimePoint now);

  /// A connection that was kCounted has ended; `now` as for admit().
  void release(const IpAddress& address, TimePoint now);

  /// Entries held; for tests and a gauge.
  std::size_t entries() const;

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kIdlePerShardMax = kIdleEntriesMax / kShards;
  static constexpr std::size_t kIdleSwept = 64;  ///< fewer in a shard are not worth a walk

  struct Entry {
    std::uint64_t connections = 0;
    TimePoint rate_clear{};  ///< from then on the rate has forgotten this address
  };
  /// Keys are mixed with the seed already.
  struct KeyHash {
    std::size_t operator()(std::uint64_t key) const { return key; }
  };
  using Entries = std::unordered_map<std::uint64_t, Entry, KeyHash>;
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    Entries entries;
    std::size_t idle = 0;  ///< entries without connections
    std::size_t sweep_at = kIdleSwept;
  };

  std::uint64_t key_of(const IpAddress& address) const;
  Shard& shard_of(std::uint64_t key) { return shards_[key >> 60]; }
  static void sweep(Shard& shard, TimePoint now);

  std::uint64_t seed_;
  std::atomic<std::uint64_t> connections_max_{0};
  std::atomic<std::uint64_t> rate_max_{0};
  std::array<Shard, kShards> shards_;
};

}  // namespace wspush::net
