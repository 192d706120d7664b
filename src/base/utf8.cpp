#include "base/utf8.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>

#include "base/utf8_vector.hpp"

namespace wspush {
namespace {

/// From here on the vectors win: below, setting up their tables costs more than the plain loop.
constexpr std::size_t kVectorTextBytes = 32;

/// What a first byte asks for.
struct Lead {
  std::uint8_t bytes = 0;  ///< of the code point; 0: no code point starts like this
  std::uint8_t second_low = 0x80;
  std::uint8_t second_high = 0xBF;
};

constexpr Lead lead_of(std::uint8_t byte) {
  if (byte < 0x80) {
    return {.bytes = 1};
  }
  if (byte < 0xC2 || byte > 0xF4) {
    return {};
  }
  if (byte < 0xE0) {
    return {.bytes = 2};
  }
  if (byte < 0xF0) {
    return {.bytes = 3,
            .second_low = static_cast<std::uint8_t>(byte == 0xE0 ? 0xA0 : 0x80),
            .second_high = static_cast<std::uint8_t>(byte == 0xED ? 0x9F : 0xBF)};
  }
  return {.bytes = 4,
          .second_low = static_cast<std::uint8_t>(byte == 0xF0 ? 0x90 : 0x80),
          .second_high = static_cast<std::uint8_t>(byte == 0xF4 ? 0x8F : 0xBF)};
}

constexpr bool is_continuation(std::uint8_t byte) {
  return (byte & 0xC0U) == 0x80;
}

std::uint8_t byte_at(ByteView text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

bool is_valid_plain(ByteView text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, 8);
      if ((word & 0x8080808080808080U) == 0) {
        at += 8;
        continue;
      }
    }
    const Lead lead = lead_of(byte_at(text, at));
    if (lead.bytes == 0 || text.size() - at < lead.bytes) {
      return false;
    }
    if (lead.bytes > 1) {
      const std::uint8_t second = byte_at(text, at + 1);
      if (second < lead.second_low || second > lead.second_high) {
        return false;
      }
    }
    for (std::size_t i = 2; i < lead.bytes; ++i) {
      if (!is_continuation(byte_at(text, at + i))) {
        return false;
      }
    }
    at += lead.bytes;
  }
  return true;
}

using Kernel = bool (*)(ByteView) noexcept;

Kernel kernel_for(SimdLevel level) noexcept {
  switch (level) {
#if defined(__x86_64__)
    case SimdLevel::kAvx2:
      return &is_valid_utf8_avx2;
    case SimdLevel::kAvx512:
      return &is_valid_utf8_avx512;
#else
    case SimdLevel::kAvx2:
    case SimdLevel::kAvx512:
#endif
    case SimdLevel::kPlain:
      break;
  }
  return &is_valid_plain;
}

bool choose_and_run(ByteView text) noexcept;

// Starts as the function that replaces it: right at any time, also in static initialisers, and a
// plain load afterwards. Two threads that come first at once store the same value.
constinit std::atomic<Kernel> best_kernel{&choose_and_run};

bool choose_and_run(ByteView text) noexcept {
  const Kernel kernel = kernel_for(best_simd_level());
  best_kernel.store(kernel, std::memory_order_relaxed);
  return kernel(text);
}

/// Bytes at the end of `text` (at most 3) that begin a code point and do not end it.
std::size_t cut_bytes(ByteView text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const std::uint8_t byte = byte_at(text, text.size() - back);
    if (!is_continuation(byte)) {
      return lead_of(byte).bytes > back ? back : 0;
    }
  }
  return 0;
}

}  // namespace

bool is_valid_utf8(ByteView text) noexcept {
  if (text.size() < kVectorTextBytes) {
    return is_valid_plain(text);
  }
  return best_kernel.load(std::memory_order_relaxed)(text);
}

bool is_valid_utf8(ByteView text, SimdLevel level) noexcept {
  return kernel_for(level)(text);
}

Utf8Validator::State Utf8Validator::after(State state, std::uint8_t byte) noexcept {
  const auto next_if = [byte](unsigned low, unsigned high, State next) {
    return byte >= low && byte <= high ? next : State::kInvalid;
  };
  switch (state) {
    case State::kOneMore:
      return next_if(0x80, 0xBF, State::kComplete);
    case State::kTwoMore:
      return next_if(0x80, 0xBF, State::kOneMore);
    case State::kThreeMore:
      return next_if(0x80, 0xBF, State::kTwoMore);
    case State::kAfterE0:
      return next_if(0xA0, 0xBF, State::kOneMore);
    case State::kAfterEd:
      return next_if(0x80, 0x9F, State::kOneMore);
    case State::kAfterF0:
      return next_if(0x90, 0xBF, State::kTwoMore);
    case State::kAfterF4:
      return next_if(0x80, 0x8F, State::kTwoMore);
    case State::kInvalid:
      return State::kInvalid;
    case State::kComplete:
      break;
  }
  switch (byte) {
    case 0xE0:
      return State::kAfterE0;
    case 0xED:
      return State::kAfterEd;
    case 0xF0:
      return State::kAfterF0;
    case 0xF4:
      return State::kAfterF4;
    default:
      break;
  }
  constexpr std::array<State, 5> kByLength = {State::kInvalid, State::kComplete, State::kOneMore,
                                              State::kTwoMore, State::kThreeMore};
  return kByLength[lead_of(byte).bytes];
}

bool Utf8Validator::feed(ByteView bytes) noexcept {
  std::size_t at = 0;
  while (state_ != State::kComplete && at < bytes.size()) {
    state_ = after(state_, byte_at(bytes, at++));
    if (state_ == State::kInvalid) {
      return false;
    }
  }
  // From a boundary between code points on: what is whole goes to the vectors, what the end cuts
  // through the states.
  bytes.remove_prefix(at);
  const std::size_t cut = cut_bytes(bytes);
  if (!is_valid_utf8(bytes.substr(0, bytes.size() - cut))) {
    state_ = State::kInvalid;
    return false;
  }
  for (const char byte : bytes.substr(bytes.size() - cut)) {
    state_ = after(state_, static_cast<std::uint8_t>(byte));
  }
  return state_ != State::kInvalid;
}

}  // namespace wspush
