#pragma once

#include <cstdint>

#include "wspush/base/result.hpp"

#include "net/sys_error.hpp"

namespace wspush::net {

/// Raises RLIMIT_NOFILE to its hard value, and returns how many descriptors the process may now
/// have open. At start. When raising is refused the soft value stays and is returned.
Result<std::uint64_t, SysError> raise_open_files();

}  // namespace wspush::net
