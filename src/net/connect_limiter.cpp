#include "net/connect_limiter.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace wspush::net {
namespace {

/// Mixes all bits into all bits, and never two values into one (the finalizer of SplitMix64).
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

std::uint64_t big_endian(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value << 8 | bytes[i];
  }
  return value;
}

}  // namespace

void ConnectLimiter::set_limits(std::uint64_t connections_per_ip,
                                std::uint64_t connect_rate_per_ip) {
  connections_max_.store(connections_per_ip, std::memory_order_relaxed);
  rate_max_.store(connect_rate_per_ip, std::memory_order_relaxed);
  if (connect_rate_per_ip == 0) {
    for (Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      sweep(shard, TimePoint::max());  // no rate to remember
    }
  }
}

Admission ConnectLimiter::admit(const IpAddress& address, TimePoint now) {
  const std::uint64_t connections_max = connections_max_.load(std::memory_order_relaxed);
  const std::uint64_t rate = rate_max_.load(std::memory_order_relaxed);
  if ((connections_max == 0 && rate == 0) || address.is_none()) {
    return Admission::kAdmitted;
  }
  const std::uint64_t key = key_of(address);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (shard.idle >= shard.sweep_at) {
    sweep(shard, now);
  }
  const auto [found, is_new] = shard.entries.try_emplace(key);
  Entry& entry = found->second;
  shard.idle += is_new ? 1 : 0;

  if (connections_max != 0 && entry.connections >= connections_max) {
    return Admission::kTooManyConnections;
  }
  if (rate != 0) {
    // A bucket that leaks one connection an interval, kept as the time at which it is empty; it
    // holds what one second lets through.
    constexpr std::uint64_t kFastest = 1'000'000'000;  // an interval of 1 ns
    const auto per_second = static_cast<Duration::rep>(std::min(rate, kFastest));
    const Duration interval = Duration(std::chrono::seconds(1)) / per_second;
    const TimePoint clear = std::max(entry.rate_clear, now) + interval;
    if (clear - now > interval * per_second) {
      return Admission::kTooFast;
    }
    entry.rate_clear = clear;
  }
  if (connections_max == 0) {
    return Admission::kAdmitted;
  }
  shard.idle -= entry.connections == 0 ? 1 : 0;
  ++entry.connections;
  return Admission::kCounted;
}

void ConnectLimiter::release(const IpAddress& address, TimePoint now) {
  const std::uint64_t key = key_of(address);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.entries.find(key);
  WSPUSH_CHECK(found != shard.entries.end() && found->second.connections > 0);
  if (--found->second.connections > 0) {
    return;
  }
  if (found->second.rate_clear <= now) {
    shard.entries.erase(found);
  } else {
    ++shard.idle;
  }
}

std::size_t ConnectLimiter::entries() const {
  std::size_t count = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    count += shard.entries.size();
  }
  return count;
}

std::uint64_t ConnectLimiter::key_of(const IpAddress& address) const {
  // The IPv4 numbers fall on ::/32 of IPv6, which RFC 4291 §2.5 reserves: nobody comes from there.
  const std::uint64_t key = address.is_v4() ? big_endian(address.bytes.data() + 12, 4)
                                            : big_endian(address.bytes.data(), 8);
  return mix(key ^ seed_);
}

/// Frees idle entries: those that the rate has forgotten by `now`, and if too many remain, any
/// until half of the bound is left, so that the next walk is far away again.
void ConnectLimiter::sweep(Shard& shard, TimePoint now) {
  std::erase_if(shard.entries, [&](const auto& each) {
    return each.second.connections == 0 && each.second.rate_clear <= now;
  });
  shard.idle = static_cast<std::size_t>(
      std::count_if(shard.entries.begin(), shard.entries.end(),
                    [](const auto& each) { return each.second.connections == 0; }));
  if (shard.idle > kIdlePerShardMax / 2) {
    std::erase_if(shard.entries, [&](const auto& each) {
      const bool goes = each.second.connections == 0 && shard.idle > kIdlePerShardMax / 2;
      shard.idle -= goes ? 1 : 0;
      return goes;
    });
  }
  // As many more may come as this walk had entries to look at: so it costs each of them O(1).
  shard.sweep_at = std::clamp(shard.idle + shard.entries.size(), kIdleSwept, kIdlePerShardMax);
}

}  // namespace wspush::net
