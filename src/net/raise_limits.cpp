#include "net/raise_limits.hpp"

#include <sys/resource.h>

namespace wspush::net {

Result<std::uint64_t, SysError> raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return Unexpected(last_error("getrlimit(RLIMIT_NOFILE)"));
  }
  const rlimit wanted{limit.rlim_max, limit.rlim_max};
  if (limit.rlim_cur < limit.rlim_max && ::setrlimit(RLIMIT_NOFILE, &wanted) == 0) {
    limit = wanted;
  }
  return std::uint64_t{limit.rlim_cur};
}

}  // namespace wspush::net
