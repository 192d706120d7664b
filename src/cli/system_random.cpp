#include "cli/system_random.hpp"

#include <sys/random.h>

#include "base/check.hpp"

namespace wspush::cli {

std::uint64_t SystemRandom::next() {
  std::uint64_t value = 0;
  // Up to 256 bytes come whole and are never interrupted, see getrandom(2).
  WSPUSH_CHECK(::getrandom(&value, sizeof(value), 0) == sizeof(value));
  return value;
}

}  // namespace wspush::cli
