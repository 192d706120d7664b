#include "base/utf8_vector.hpp"

#if defined(__x86_64__)

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

// Validation by nibbles, after John Keiser and Daniel Lemire, "Validating UTF-8 In Less Than One
// Instruction Per Byte" (2021).
//
// Every fault that two neighbouring bytes show is a product of three sets: the first byte's high
// nibble, its low nibble, and the second byte's high nibble. Give each fault a bit, make a table of
// 16 entries for each of the three nibbles, and the AND of three shuffles is the set of faults of
// all pairs in a vector. What needs more than two bytes to see is only whether a byte has to be the
// third or fourth of a code point: the bytes two and three before it tell, and then the pair must
// show kTwoContinuations, else it must not. One XOR compares the two.
namespace wspush {
namespace {

using Nibbles = std::uint16_t;  ///< a set of nibble values, bit n for value n

constexpr Nibbles from_to(int first, int last) {
  Nibbles set = 0;
  for (int value = first; value <= last; ++value) {
    set = static_cast<Nibbles>(set | (1U << value));
  }
  return set;
}

struct PairFault {
  std::uint8_t bit;
  Nibbles first_high;
  Nibbles first_low;
  Nibbles second_high;
};

constexpr Nibbles kAny = from_to(0x0, 0xF);
constexpr Nibbles kContinuation = from_to(0x8, 0xB);
constexpr std::uint8_t kTwoContinuations = 0x80;  ///< the bit that "must be third or fourth" has

constexpr PairFault kPairFaults[] = {
    // A lead byte without a continuation; a continuation after ASCII.
    {0x01, from_to(0xC, 0xF), kAny, static_cast<Nibbles>(kAny & ~kContinuation)},
    {0x02, from_to(0x0, 0x7), kAny, kContinuation},
    // Overlong: C0 and C1; E0 before 80..9F; F0 before 80..8F.
    {0x04, from_to(0xC, 0xC), from_to(0x0, 0x1), kContinuation},
    {0x08, from_to(0xE, 0xE), from_to(0x0, 0x0), from_to(0x8, 0x9)},
    {0x40, from_to(0xF, 0xF), from_to(0x0, 0x0), from_to(0x8, 0x8)},
    // Surrogates: ED before A0..BF.
    {0x10, from_to(0xE, 0xE), from_to(0xD, 0xD), from_to(0xA, 0xB)},
    // Above U+10FFFF: F4 before 90..BF, F5 to FF before anything.
    {0x20, from_to(0xF, 0xF), from_to(0x4, 0xF), from_to(0x9, 0xB)},
    {0x40, from_to(0xF, 0xF), from_to(0x5, 0xF), from_to(0x8, 0x8)},
    // No fault by itself.
    {kTwoContinuations, kContinuation, kAny, kContinuation},
};
// The last line but one shares its bit with the third overlong one. That is sound only because
// both have the same first and third set: the product of the unions is the union of the products.

using Table = std::array<std::uint8_t, 16>;

constexpr Table table_of(Nibbles PairFault::*set) {
  Table table{};
  for (const PairFault& fault : kPairFaults) {
    for (std::size_t value = 0; value < 16; ++value) {
      if (((fault.*set >> value) & 1U) != 0) {
        table[value] = static_cast<std::uint8_t>(table[value] | fault.bit);
      }
    }
  }
  return table;
}

alignas(16) constexpr Table kFirstHigh = table_of(&PairFault::first_high);
alignas(16) constexpr Table kFirstLow = table_of(&PairFault::first_low);
alignas(16) constexpr Table kSecondHigh = table_of(&PairFault::second_high);

// A byte of E0 or more has a third, one of F0 or more a fourth: subtracting this leaves the high
// bit set for just those.
constexpr char kThirdBias = 0xE0 - 0x80;
constexpr char kFourthBias = 0xF0 - 0x80;

/// The greatest bytes with which a block may end so that no code point is cut: anything, but in the
/// last three places less than a lead of four, three and two bytes.
template <std::size_t kBytes>
constexpr std::array<std::uint8_t, kBytes> greatest_whole_end() {
  std::array<std::uint8_t, kBytes> greatest{};
  for (std::size_t i = 0; i < kBytes; ++i) {
    greatest[i] = 0xFF;
  }
  greatest[kBytes - 3] = 0xEF;
  greatest[kBytes - 2] = 0xDF;
  greatest[kBytes - 1] = 0xBF;
  return greatest;
}
alignas(64) constexpr auto kGreatestEnd32 = greatest_whole_end<32>();
alignas(64) constexpr auto kGreatestEnd64 = greatest_whole_end<64>();

// ---- 32 bytes at a time

struct Avx2 {
  __m256i first_high, first_low, second_high, greatest_end;
  __m256i faults;    ///< non-zero: invalid
  __m256i previous;  ///< the block before
  __m256i cut;       ///< non-zero: the block before ended inside a code point
};

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i table_avx2(const Table& table) {
  return _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(table.data())));
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i high_nibbles_avx2(__m256i bytes) {
  // There is no shift of bytes; the mask takes out what a shift of 16 bits brings in.
  return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0F));
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i load_avx2(const char* bytes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

/// `back1` to `back3` are the bytes that stand one to three before those of `block`.
[[gnu::target("avx2"), gnu::always_inline]] inline void judge_avx2(Avx2& state, __m256i block,
                                                                   __m256i back1, __m256i back2,
                                                                   __m256i back3) {
  const __m256i first_low = _mm256_and_si256(back1, _mm256_set1_epi8(0x0F));
  const __m256i pairs = _mm256_and_si256(
      _mm256_and_si256(_mm256_shuffle_epi8(state.first_high, high_nibbles_avx2(back1)),
                       _mm256_shuffle_epi8(state.first_low, first_low)),
      _mm256_shuffle_epi8(state.second_high, high_nibbles_avx2(block)));
  const __m256i third = _mm256_subs_epu8(back2, _mm256_set1_epi8(kThirdBias));
  const __m256i fourth = _mm256_subs_epu8(back3, _mm256_set1_epi8(kFourthBias));
  const __m256i must_continue =
      _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(static_cast<char>(0x80)));
  state.faults = _mm256_or_si256(state.faults, _mm256_xor_si256(must_continue, pairs));
  state.previous = block;
}

/// A block that follows state.previous.
[[gnu::target("avx2"), gnu::always_inline]] inline void check_avx2(Avx2& state, __m256i block) {
  // alignr works within 16-byte lanes: each lane's left neighbour has to be put beside it first.
  const __m256i left = _mm256_permute2x128_si256(state.previous, block, 0x21);
  judge_avx2(state, block, _mm256_alignr_epi8(block, left, 15), _mm256_alignr_epi8(block, left, 14),
             _mm256_alignr_epi8(block, left, 13));
}

[[gnu::target("avx2"), gnu::always_inline]] inline void check_pair_avx2(Avx2& state, __m256i low,
                                                                        __m256i high) {
  if (_mm256_movemask_epi8(_mm256_or_si256(low, high)) == 0) {
    // 64 bytes of ASCII: all that can be wrong is that the block before was cut.
    state.faults = _mm256_or_si256(state.faults, state.cut);
    state.previous = high;
    state.cut = _mm256_setzero_si256();
    return;
  }
  check_avx2(state, low);
  check_avx2(state, high);
  state.cut = _mm256_subs_epu8(high, state.greatest_end);
}

// ---- 64 bytes at a time. Some intrinsics are written with a full mask: without it g++ 12 warns
// about the "undefined" operand in its own header; the instruction is the same.

struct Avx512 {
  __m512i first_high, first_low, second_high, greatest_end;
  __m512i faults, previous;
};

[[gnu::target("avx512f,avx512bw"), gnu::always_inline]] inline __m512i table_avx512(
    const Table& table) {
  return _mm512_maskz_broadcast_i32x4(
      0xFFFF, _mm_load_si128(reinterpret_cast<const __m128i*>(table.data())));
}

[[gnu::target("avx512f,avx512bw"), gnu::always_inline]] inline __m512i high_nibbles_avx512(
    __m512i bytes) {
  return _mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(0x0F));
}

/// A block that is not all ASCII; `back1` to `back3` as with judge_avx2().
[[gnu::target("avx512f,avx512bw"), gnu::always_inline]] inline void judge_avx512(
    Avx512& state, __m512i block, __m512i back1, __m512i back2, __m512i back3) {
  constexpr int kAndAnd = 0x80;   // a & b & c
  constexpr int kOrAnd = 0xA8;    // (a | b) & c
  constexpr int kOrOfXor = 0xF6;  // a | (b ^ c)
  const __m512i first_low = _mm512_and_si512(back1, _mm512_set1_epi8(0x0F));
  const __m512i pairs = _mm512_ternarylogic_epi64(
      _mm512_shuffle_epi8(state.first_high, high_nibbles_avx512(back1)),
      _mm512_shuffle_epi8(state.first_low, first_low),
      _mm512_shuffle_epi8(state.second_high, high_nibbles_avx512(block)), kAndAnd);
  const __m512i third = _mm512_subs_epu8(back2, _mm512_set1_epi8(kThirdBias));
  const __m512i fourth = _mm512_subs_epu8(back3, _mm512_set1_epi8(kFourthBias));
  const __m512i must_continue =
      _mm512_ternarylogic_epi64(third, fourth, _mm512_set1_epi8(static_cast<char>(0x80)), kOrAnd);
  state.faults = _mm512_ternarylogic_epi64(state.faults, must_continue, pairs, kOrOfXor);
}

[[gnu::target("avx512f,avx512bw"), gnu::always_inline]] inline void check_avx512(Avx512& state,
                                                                                 __m512i block) {
  const __m512i left = _mm512_maskz_alignr_epi64(0xFF, block, state.previous, 6);
  judge_avx512(state, block, _mm512_alignr_epi8(block, left, 15),
               _mm512_alignr_epi8(block, left, 14), _mm512_alignr_epi8(block, left, 13));
  state.previous = block;
}

/// ASCII: all that can be wrong is that the block before was cut.
[[gnu::target("avx512f,avx512bw"), gnu::always_inline]] inline void skip_avx512(Avx512& state,
                                                                                __m512i last) {
  state.faults =
      _mm512_or_si512(state.faults, _mm512_subs_epu8(state.previous, state.greatest_end));
  state.previous = last;
}

[[gnu::target("avx512f,avx512bw"), gnu::always_inline]] inline void check_or_skip_avx512(
    Avx512& state, __m512i block) {
  if (_mm512_movepi8_mask(block) == 0) {
    skip_avx512(state, block);
  } else {
    check_avx512(state, block);
  }
}

}  // namespace

[[gnu::target("avx2")]] bool is_valid_utf8_avx2(ByteView text) noexcept {
  const __m256i zero = _mm256_setzero_si256();
  Avx2 state{table_avx2(kFirstHigh),
             table_avx2(kFirstLow),
             table_avx2(kSecondHigh),
             _mm256_load_si256(reinterpret_cast<const __m256i*>(kGreatestEnd32.data())),
             zero,
             zero,
             zero};
  const char* bytes = text.data();
  std::size_t left = text.size();
  for (; left >= 64; bytes += 64, left -= 64) {
    check_pair_avx2(state, load_avx2(bytes), load_avx2(bytes + 32));
  }
  if (left > 32) {
    check_avx2(state, load_avx2(bytes));
    bytes += 32;
    left -= 32;
  }
  if (left != 0 && text.size() >= 32 + 3) {
    // The rest by a vector that reaches back into what is judged already, where its verdict is the
    // same again. A copy to a padded buffer would stall the loads that follow it.
    const char* const last = text.data() + text.size() - 32;
    judge_avx2(state, load_avx2(last), load_avx2(last - 1), load_avx2(last - 2),
               load_avx2(last - 3));
  } else if (left != 0) {
    alignas(32) char end[32] = {};
    std::memcpy(end, bytes, left);
    check_avx2(state, load_avx2(end));
  }
  // A code point that the end of the text cuts.
  state.faults =
      _mm256_or_si256(state.faults, _mm256_subs_epu8(state.previous, state.greatest_end));
  return _mm256_testz_si256(state.faults, state.faults) != 0;
}

[[gnu::target("avx512f,avx512bw")]] bool is_valid_utf8_avx512(ByteView text) noexcept {
  const __m512i zero = _mm512_setzero_si512();
  Avx512 state{table_avx512(kFirstHigh),
               table_avx512(kFirstLow),
               table_avx512(kSecondHigh),
               _mm512_load_si512(kGreatestEnd64.data()),
               zero,
               zero};
  const char* bytes = text.data();
  std::size_t left = text.size();
  if (left >= 64) {
    check_or_skip_avx512(state, _mm512_loadu_si512(bytes));
    bytes += 64;
    left -= 64;
  }
  for (; left >= 128; bytes += 128, left -= 128) {
    const __m512i low = _mm512_loadu_si512(bytes);
    const __m512i high = _mm512_loadu_si512(bytes + 64);
    if (_mm512_movepi8_mask(_mm512_or_si512(low, high)) == 0) {
      skip_avx512(state, high);
      continue;
    }
    judge_avx512(state, low, _mm512_loadu_si512(bytes - 1), _mm512_loadu_si512(bytes - 2),
                 _mm512_loadu_si512(bytes - 3));
    judge_avx512(state, high, _mm512_loadu_si512(bytes + 63), _mm512_loadu_si512(bytes + 62),
                 _mm512_loadu_si512(bytes + 61));
    state.previous = high;
  }
  if (left >= 64) {
    check_or_skip_avx512(state, _mm512_loadu_si512(bytes));
    bytes += 64;
    left -= 64;
  }
  // Masked out bytes are not touched, wherever they lie, and read as zero. They are ASCII, and at
  // least one of them is there: so a code point that the end of the text cuts is a fault, too.
  check_or_skip_avx512(state, _mm512_maskz_loadu_epi8((__mmask64{1} << left) - 1, bytes));
  return _mm512_test_epi8_mask(state.faults, state.faults) == 0;
}

}  // namespace wspush

#endif
