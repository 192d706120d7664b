#pragma once

#include <cstdint>

namespace wspush {

/// What the vector code of this build may be run with, weakest first. The build itself asks for
/// the baseline of x86-64 only; stronger variants are chosen when the process runs.
enum class SimdLevel : std::uint8_t {
  kPlain,   ///< 64-bit words; the only one on other architectures
  kAvx2,    ///< 32-byte vectors
  kAvx512,  ///< 64-byte vectors; needs AVX-512 F and BW
};

/// True when the CPU and the kernel can run `level`. Thread: any. Cost: a load and a test.
bool is_supported(SimdLevel level) noexcept;

/// The strongest level that is supported.
SimdLevel best_simd_level() noexcept;

}  // namespace wspush
