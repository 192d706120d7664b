#include "net/wake_fd.hpp"

#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.hpp"

namespace wspush::net {

WakeFd::WakeFd() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  WSPUSH_CHECK(fd_);
}

void WakeFd::signal() noexcept {
  const std::uint64_t one = 1;
  // EAGAIN means that the counter is full: then it is readable, which is all we want.
  while (::write(fd_.get(), &one, sizeof(one)) < 0 && errno == EINTR) {
  }
}

void WakeFd::clear() noexcept {
  std::uint64_t count = 0;
  while (::read(fd_.get(), &count, sizeof(count)) < 0 && errno == EINTR) {
  }
}

}  // namespace wspush::net
