#include "base/log_target.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wspush::log {

LogTarget LogTarget::standard_error() {
  LogTarget target;
  target.fd_ = STDERR_FILENO;
  struct stat status {};
  if (fstat(STDERR_FILENO, &status) != 0) {
    return target;  // closed: every write will fail and be counted
  }
  target.is_socket_ = S_ISSOCK(status.st_mode);
  if (S_ISFIFO(status.st_mode) || isatty(STDERR_FILENO) == 1) {
    target.owned_.reset(
        ::open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    target.may_block_ = !target.owned_;
    target.fd_ = target.owned_ ? target.owned_.get() : STDERR_FILENO;
  }
  return target;
}

LogTarget LogTarget::file(const std::string& name) {
  LogTarget target;
  // O_NONBLOCK matters where the name is a pipe's; a disk ignores it.
  target.owned_.reset(::open(name.c_str(),
                             O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                             S_IRUSR | S_IWUSR | S_IRGRP));
  target.fd_ = target.owned_.get();
  return target;
}

long LogTarget::write_some(std::string_view line) {
  if (may_block_ && !wait_writable(std::chrono::milliseconds(0))) {
    return 0;
  }
  for (;;) {
    ssize_t taken = 0;
    if (is_socket_) {
      taken = ::send(fd_, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
      // A blocking pipe that poll calls writable takes this much without waiting (pipe(7)).
      taken = ::write(fd_, line.data(), std::min<std::size_t>(line.size(), PIPE_BUF));
    }
    if (taken >= 0) {
      return taken;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return 0;
    }
    if (errno != EINTR) {
      return -1;
    }
  }
}

bool LogTarget::wait_writable(std::chrono::milliseconds timeout) {
  pollfd wanted{fd_, POLLOUT, 0};
  // An error condition counts as writable: the write then says what it is.
  return ::poll(&wanted, 1, static_cast<int>(timeout.count())) > 0;
}

}  // namespace wspush::log
