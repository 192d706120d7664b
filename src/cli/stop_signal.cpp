#include "cli/stop_signal.hpp"

#include <csignal>
#include <sys/signalfd.h>

namespace wspush::cli {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopSignal::StopSignal() {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int number : {SIGINT, SIGTERM}) {
    std::signal(number, [](int) { ::_exit(0); });
  }
  const sigset_t set = stop_signals();
  fd_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (fd_) {
    sigprocmask(SIG_BLOCK, &set, nullptr);
  }
}

bool StopSignal::take() {
  signalfd_siginfo info{};
  return fd_ && ::read(fd_.get(), &info, sizeof(info)) == sizeof(info);
}

StopSignal::WhileBlocking::WhileBlocking() {
  const sigset_t set = stop_signals();
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

StopSignal::WhileBlocking::~WhileBlocking() {
  const sigset_t set = stop_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace wspush::cli
