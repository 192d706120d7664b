#include "base/simd_level.hpp"

namespace wspush {

bool is_supported(SimdLevel level) noexcept {
  switch (level) {
    case SimdLevel::kPlain:
      return true;
#if defined(__x86_64__)
    // The compiler's runtime asks CPUID once, and XGETBV for what the kernel saves.
    case SimdLevel::kAvx2:
      return __builtin_cpu_supports("avx2") != 0;
    case SimdLevel::kAvx512:
      return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0;
#else
    case SimdLevel::kAvx2:
    case SimdLevel::kAvx512:
      return false;
#endif
  }
  return false;
}

SimdLevel best_simd_level() noexcept {
  if (is_supported(SimdLevel::kAvx512)) {
    return SimdLevel::kAvx512;
  }
  return is_supported(SimdLevel::kAvx2) ? SimdLevel::kAvx2 : SimdLevel::kPlain;
}

}  // namespace wspush
