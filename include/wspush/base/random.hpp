#pragma once

#include <cstdint>

namespace wspush {

/// Where chance comes from: epochs, hash seeds, masking keys, jitter. Never used for secrets.
class Random {
 public:
  virtual ~Random() = default;

  /// Thread: the owner's. Every value of the range is equally likely.
  virtual std::uint64_t next() = 0;

  /// A number in [0, bound); `bound` must not be 0. The bias of the modulo is below 2^-32 for the
  /// bounds in use here.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
};

/// SplitMix64: small, fast, passes BigCrush; a test gives the seed, a server takes it from the
/// system. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
class SplitMix64 final : public Random {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() override {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace wspush
