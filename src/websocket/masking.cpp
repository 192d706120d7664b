#include "websocket/masking.hpp"

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace wspush::websocket {
namespace {

static_assert(std::endian::native == std::endian::little, "the key's bytes stand in words here");

/// Payloads below this go by words: a call through a pointer and a vector's set-up cost more.
constexpr std::size_t kVectorBytes = 32;

/// From here on the vectors between the first and the last are written where they cross no cache
/// line. A payload lies behind a header of 6 or 8 bytes: every store would be two.
constexpr std::size_t kAlignedBytes = 512;

/// What unmask_text() unmasks before it validates it: a part of the first-level cache.
constexpr std::size_t kTextStepBytes = 8 << 10;

/// The key as the word that applies `offset` bytes further on.
constexpr std::uint32_t turned(std::uint32_t key, std::size_t offset) {
  return std::rotr(key, static_cast<int>(8 * (offset % 4)));
}

template <typename Word>
Word load(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

template <typename Word>
void store(char* bytes, Word word) {
  std::memcpy(bytes, &word, sizeof word);
}

// In all variants the last word or vector of the payload, and the first vector, are read before
// anything is written and written after everything else. They may overlap their neighbours: those
// bytes are then written twice with the same value, and no loop over single bytes is needed for the
// rest.

void unmask_words(char* bytes, std::size_t size, std::uint32_t key) noexcept {
  if (size >= 8) {
    const std::uint64_t twice = std::uint64_t{key} << 32 | key;
    const std::uint32_t last_key = turned(key, size);  // (size - 8) mod 4 = size mod 4
    const std::uint64_t last =
        load<std::uint64_t>(bytes + size - 8) ^ (std::uint64_t{last_key} << 32 | last_key);
    for (std::size_t at = 0; at + 8 < size; at += 8) {
      store(bytes + at, load<std::uint64_t>(bytes + at) ^ twice);
    }
    store(bytes + size - 8, last);
  } else if (size >= 4) {
    const std::uint32_t last = load<std::uint32_t>(bytes + size - 4) ^ turned(key, size);
    store(bytes, load<std::uint32_t>(bytes) ^ key);
    store(bytes + size - 4, last);
  } else {
    for (std::size_t at = 0; at < size; ++at) {
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^
                                    static_cast<unsigned char>(key >> (8 * at)));
    }
  }
}

#if defined(__x86_64__)

/// How far behind `bytes` the second vector begins; the first covers all before it.
template <std::size_t kVector>
std::size_t second_vector(const char* bytes, std::size_t size) {
  return size < kAlignedBytes ? kVector
                              : kVector - reinterpret_cast<std::uintptr_t>(bytes) % kVector;
}

[[gnu::target("avx2")]] void unmask_avx2(char* bytes, std::size_t size,
                                         std::uint32_t key) noexcept {
  if (size < 32) {
    unmask_words(bytes, size, key);
    return;
  }
  const auto at = [](char* where) { return reinterpret_cast<__m256i*>(where); };
  char* const last_at = bytes + size - 32;
  const __m256i last = _mm256_xor_si256(_mm256_loadu_si256(at(last_at)),
                                        _mm256_set1_epi32(static_cast<int>(turned(key, size))));
  char* const first_at = bytes;
  const __m256i first =
      _mm256_xor_si256(_mm256_loadu_si256(at(bytes)), _mm256_set1_epi32(static_cast<int>(key)));
  const std::size_t skipped = second_vector<32>(bytes, size);
  bytes += skipped;
  const __m256i keys = _mm256_set1_epi32(static_cast<int>(turned(key, skipped)));
  for (; last_at - bytes >= 128; bytes += 128) {
    const __m256i a = _mm256_xor_si256(_mm256_loadu_si256(at(bytes)), keys);
    const __m256i b = _mm256_xor_si256(_mm256_loadu_si256(at(bytes + 32)), keys);
    const __m256i c = _mm256_xor_si256(_mm256_loadu_si256(at(bytes + 64)), keys);
    const __m256i d = _mm256_xor_si256(_mm256_loadu_si256(at(bytes + 96)), keys);
    _mm256_storeu_si256(at(bytes), a);
    _mm256_storeu_si256(at(bytes + 32), b);
    _mm256_storeu_si256(at(bytes + 64), c);
    _mm256_storeu_si256(at(bytes + 96), d);
  }
  for (; bytes < last_at; bytes += 32) {
    _mm256_storeu_si256(at(bytes), _mm256_xor_si256(_mm256_loadu_si256(at(bytes)), keys));
  }
  _mm256_storeu_si256(at(first_at), first);
  _mm256_storeu_si256(at(last_at), last);
}

[[gnu::target("avx512f,avx512bw")]] void unmask_avx512(char* bytes, std::size_t size,
                                                       std::uint32_t key) noexcept {
  if (size < 64) {
    unmask_avx2(bytes, size, key);
    return;
  }
  char* const last_at = bytes + size - 64;
  const __m512i last = _mm512_xor_si512(_mm512_loadu_si512(last_at),
                                        _mm512_set1_epi32(static_cast<int>(turned(key, size))));
  char* const first_at = bytes;
  const __m512i first =
      _mm512_xor_si512(_mm512_loadu_si512(bytes), _mm512_set1_epi32(static_cast<int>(key)));
  const std::size_t skipped = second_vector<64>(bytes, size);
  bytes += skipped;
  const __m512i keys = _mm512_set1_epi32(static_cast<int>(turned(key, skipped)));
  for (; last_at - bytes >= 128; bytes += 128) {
    const __m512i a = _mm512_xor_si512(_mm512_loadu_si512(bytes), keys);
    const __m512i b = _mm512_xor_si512(_mm512_loadu_si512(bytes + 64), keys);
    _mm512_storeu_si512(bytes, a);
    _mm512_storeu_si512(bytes + 64, b);
  }
  for (; bytes < last_at; bytes += 64) {
    _mm512_storeu_si512(bytes, _mm512_xor_si512(_mm512_loadu_si512(bytes), keys));
  }
  _mm512_storeu_si512(first_at, first);
  _mm512_storeu_si512(last_at, last);
}

#endif

using Kernel = void (*)(char*, std::size_t, std::uint32_t) noexcept;

Kernel kernel_for(SimdLevel level) noexcept {
  switch (level) {
#if defined(__x86_64__)
    case SimdLevel::kAvx2:
      return &unmask_avx2;
    case SimdLevel::kAvx512:
      return &unmask_avx512;
#else
    case SimdLevel::kAvx2:
    case SimdLevel::kAvx512:
#endif
    case SimdLevel::kPlain:
      break;
  }
  return &unmask_words;
}

void choose_and_run(char* bytes, std::size_t size, std::uint32_t key) noexcept;

// Replaces itself at its first use; see base/utf8.cpp.
constinit std::atomic<Kernel> best_kernel{&choose_and_run};

void choose_and_run(char* bytes, std::size_t size, std::uint32_t key) noexcept {
  const Kernel kernel = kernel_for(best_simd_level());
  best_kernel.store(kernel, std::memory_order_relaxed);
  kernel(bytes, size, key);
}

}  // namespace

void unmask(MutableBytes payload, MaskingKey key, std::size_t offset) noexcept {
  const std::uint32_t word = turned(std::bit_cast<std::uint32_t>(key), offset);
  if (payload.size() < kVectorBytes) {
    unmask_words(payload.data(), payload.size(), word);
  } else {
    best_kernel.load(std::memory_order_relaxed)(payload.data(), payload.size(), word);
  }
}

void unmask(MutableBytes payload, MaskingKey key, std::size_t offset, SimdLevel level) noexcept {
  kernel_for(level)(payload.data(), payload.size(),
                    turned(std::bit_cast<std::uint32_t>(key), offset));
}

bool unmask_text(MutableBytes payload, MaskingKey key, Utf8Validator& text) noexcept {
  static_assert(kTextStepBytes % sizeof(MaskingKey) == 0, "the key starts anew with each step");
  while (payload.size() > kTextStepBytes) {
    const MutableBytes step = payload.first(kTextStepBytes);
    unmask(step, key);
    if (!text.feed(as_view(step))) {
      return false;
    }
    payload = payload.subspan(kTextStepBytes);
  }
  unmask(payload, key);
  return text.feed(as_view(payload));
}

}  // namespace wspush::websocket
