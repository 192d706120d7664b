#pragma once

#include <string>

namespace wspush::net {

/// A system call that failed: which one, and its errno. `call` is a literal.
struct SysError {
  const char* call = "";
  int error = 0;

  /// "bind: Address already in use (EADDRINUSE)". Thread: any.
  std::string text() const;
};

/// The error of `call`, which has just failed, with the thread's errno.
SysError last_error(const char* call);

}  // namespace wspush::net
