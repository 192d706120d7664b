#include "net/signal_fd.hpp"

#include <cerrno>
#include <csignal>
#include <sys/signalfd.h>
#include <unistd.h>
#include <utility>

namespace wspush::net {

Result<SignalFd, SysError> SignalFd::open() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  if (::sigaction(SIGPIPE, &ignore, nullptr) != 0) {
    return Unexpected(last_error("sigaction(SIGPIPE)"));
  }
  sigset_t ours;
  sigemptyset(&ours);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
    sigaddset(&ours, signal);
  }
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &ours, nullptr); error != 0) {
    return Unexpected(SysError{"pthread_sigmask", error});
  }
  UniqueFd fd(::signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) {
    return Unexpected(last_error("signalfd"));
  }
  return SignalFd(std::move(fd));
}

std::optional<int> SignalFd::take() {
  signalfd_siginfo info{};
  ssize_t got = 0;
  do {
    got = ::read(fd_.get(), &info, sizeof(info));
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof(info))) {
    return std::nullopt;
  }
  return static_cast<int>(info.ssi_signo);
}

}  // namespace wspush::net
