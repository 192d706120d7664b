#pragma once

#include <cstdint>

#include "wspush/base/bytes.hpp"

#include "base/simd_level.hpp"

// UTF-8 as RFC 3629 §4 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
//
//   00..7F                        1 byte
//   C2..DF  80..BF                2 bytes
//   E0      A0..BF  80..BF        3 bytes; A0: below it the form would be overlong
//   E1..EF  80..BF  80..BF        3 bytes; ED stops at 9F: above it are the surrogates
//   F0      90..BF  80..BF x 2    4 bytes; 90: below it the form would be overlong
//   F1..F4  80..BF  80..BF x 2    4 bytes; F4 stops at 8F: above it is U+110000
namespace wspush {

/// True when `text` is a whole number of valid code points; the empty text is valid.
/// Thread: any. Cost: O(bytes), 32 or 64 bytes a step for texts of 32 bytes and more.
bool is_valid_utf8(ByteView text) noexcept;

/// The same with a given instruction set, for tests and benchmarks. `level` must be supported.
bool is_valid_utf8(ByteView text, SimdLevel level) noexcept;

/// Judges text that comes in pieces, cut anywhere. One byte of state.
class Utf8Validator {
 public:
  /// False as soon as `bytes` holds a byte that no continuation could make valid, also in the
  /// middle of a code point (F4 90, ED A0, C0), and from then on until `reset()`.
  /// Cost: O(bytes), by vectors save for the code points that are cut.
  bool feed(ByteView bytes) noexcept;

  /// True when the pieces so far are valid and end with a whole code point.
  bool is_complete() const noexcept { return state_ == State::kComplete; }

  void reset() noexcept { state_ = State::kComplete; }

 private:
  /// What the next byte has to be.
  enum class State : std::uint8_t {
    kComplete,  ///< first byte of a code point
    kOneMore,   ///< 80..BF, then complete
    kTwoMore,
    kThreeMore,
    kAfterE0,  ///< A0..BF, then one more
    kAfterEd,  ///< 80..9F, then one more
    kAfterF0,  ///< 90..BF, then two more
    kAfterF4,  ///< 80..8F, then two more
    kInvalid,
  };

  static State after(State state, std::uint8_t byte) noexcept;

  State state_ = State::kComplete;
};

}  // namespace wspush
