#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "wspush/base/bytes.hpp"
#include "wspush/base/random.hpp"

namespace wspush {

/// The secret of a hash table whose keys come from outside: who does not know it cannot make
/// collisions. Drawn once a process (or a table) from the system's chance.
struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;

  static SipKey from(Random& random) {
    const std::uint64_t first = random.next();
    return {first, random.next()};
  }
};

/// SipHash-c-d of `bytes`: `CompressionRounds` a word of 8 bytes, `FinalRounds` at the end.
/// Pure; any thread. Source: Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012, §2.
template <int CompressionRounds, int FinalRounds>
std::uint64_t siphash(SipKey key, ByteView bytes) noexcept {
  std::uint64_t v0 = key.k0 ^ 0x736f6d6570736575ULL;
  std::uint64_t v1 = key.k1 ^ 0x646f72616e646f6dULL;
  std::uint64_t v2 = key.k0 ^ 0x6c7967656e657261ULL;
  std::uint64_t v3 = key.k1 ^ 0x7465646279746573ULL;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v2 += v3;
      v1 = std::rotl(v1, 13) ^ v0;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 = std::rotl(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = std::rotl(v1, 17) ^ v2;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 = std::rotl(v2, 32);
    }
  };
  const auto absorb = [&](std::uint64_t word) {
    v3 ^= word;
    rounds(CompressionRounds);
    v0 ^= word;
  };

  static_assert(std::endian::native == std::endian::little, "words are read as they lie");
  const char* at = bytes.data();
  for (std::size_t words = bytes.size() / 8; words > 0; --words, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    absorb(word);
  }
  std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56;
  const std::size_t rest = bytes.size() % 8;
  if (bytes.size() >= 8) {
    // The rest by a word that reaches back: names differ in length, and a loop over single bytes
    // would be mispredicted for each. Two shifts, as one by 64 is undefined.
    std::uint64_t word;
    std::memcpy(&word, at + rest - 8, 8);
    last |= (word >> 1) >> (63 - 8 * rest);
  } else {
    for (std::size_t i = 0; i < rest; ++i) {
      last |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
    }
  }
  absorb(last);
  v2 ^= 0xff;
  rounds(FinalRounds);
  return v0 ^ v1 ^ v2 ^ v3;
}

/// For hash tables: one round a word is enough where only the table's shape can be observed.
inline std::uint64_t siphash13(SipKey key, ByteView bytes) noexcept {
  return siphash<1, 3>(key, bytes);
}

}  // namespace wspush
