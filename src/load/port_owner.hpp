#pragma once

#include <string>
#include <sys/types.h>

#include "wspush/base/result.hpp"

#include "load/sockets.hpp"

namespace wspush::load {

/// Success if every socket that listens on `address` belongs to `pid`.
///
/// A benchmark that reaches a server left over from somebody else measures that one and says
/// nothing: with SO_REUSEPORT two of them can even share the port. Errors: a sentence that says
/// which it is.
Result<void, std::string> require_port_owner(const Address& address, pid_t pid);

}  // namespace wspush::load
