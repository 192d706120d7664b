#pragma once

#include <optional>

#include "wspush/base/result.hpp"

#include "base/unique_fd.hpp"
#include "net/sys_error.hpp"

namespace wspush::net {

/// SIGTERM, SIGINT, SIGHUP and SIGUSR1 as events of a loop. There is one, in the main thread.
class SignalFd {
 public:
  /// Blocks these signals in the calling thread and ignores SIGPIPE in the process. Call it before
  /// any other thread is started: threads inherit the mask, and one that does not would be ended by
  /// the signal.
  static Result<SignalFd, SysError> open();

  /// Readable (EPOLLIN) when a signal waits; non-blocking.
  int fd() const { return fd_.get(); }

  /// Takes the next signal number, or none. Call until none: several may wait, but each kind once.
  std::optional<int> take();

 private:
  explicit SignalFd(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace wspush::net
