#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace wspush {

void check_failed(const char* condition, const char* file, int line) {
  // stderr and not the log: the log is asynchronous, and nothing after this line runs.
  std::fprintf(stderr, "wspushd: broken invariant: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace wspush
