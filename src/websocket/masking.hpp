#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "wspush/base/bytes.hpp"

#include "base/simd_level.hpp"
#include "base/utf8.hpp"

// Masking (RFC 6455 §5.3): byte i of the payload is XORed with byte i mod 4 of the key. Doing it
// twice undoes it, so that one function masks and unmasks.
namespace wspush::websocket {

using MaskingKey = std::array<std::uint8_t, 4>;

/// Masks or unmasks `payload` in place; its first byte is byte `offset` of the frame's payload.
/// Any alignment and size. Thread: any. Cost: O(bytes); vectors of the CPU's best width from 32
/// bytes on, 64-bit words below (there a vector's set-up costs more than it saves).
void unmask(MutableBytes payload, MaskingKey key, std::size_t offset = 0) noexcept;

/// The same with a given instruction set, for tests and benchmarks. `level` must be supported.
void unmask(MutableBytes payload, MaskingKey key, std::size_t offset, SimdLevel level) noexcept;

/// Unmasks `payload` and feeds it to `text` while it is in the first-level cache, so that a large
/// frame crosses the memory bus once. False at the first invalid byte: what follows it may be left
/// masked.
bool unmask_text(MutableBytes payload, MaskingKey key, Utf8Validator& text) noexcept;

/// The key as it applies from byte `offset` of the payload on.
constexpr MaskingKey rotated(MaskingKey key, std::size_t offset) {
  return {key[offset % 4], key[(offset + 1) % 4], key[(offset + 2) % 4], key[(offset + 3) % 4]};
}

}  // namespace wspush::websocket
