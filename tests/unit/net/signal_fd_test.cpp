#include "net/signal_fd.hpp"

#include <csignal>
#include <set>
#include <unistd.h>

#include <gtest/gtest.h>

#include "unit/net/test_sockets.hpp"

namespace wspush::net {
namespace {

/// Gives the process its signals back after a test.
class SignalFdTest : public ::testing::Test {
 protected:
  SignalFdTest() {
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
    ::sigaction(SIGPIPE, nullptr, &pipe_);
  }
  ~SignalFdTest() override {
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    ::sigaction(SIGPIPE, &pipe_, nullptr);
  }

 private:
  sigset_t mask_{};
  struct sigaction pipe_ {};
};

TEST_F(SignalFdTest, DeliversTheSignalsOfADaemonAsEvents) {
  auto signals = SignalFd::open();
  ASSERT_TRUE(signals);
  EXPECT_FALSE(is_readable_now(signals->fd()));
  EXPECT_EQ(signals->take(), std::nullopt);

  const std::set<int> sent{SIGTERM, SIGINT, SIGHUP, SIGUSR1};
  for (const int signal : sent) {
    ASSERT_EQ(::kill(::getpid(), signal), 0);
  }
  ASSERT_TRUE(await(signals->fd(), POLLIN));
  std::set<int> taken;
  for (auto signal = signals->take(); signal; signal = signals->take()) {
    taken.insert(*signal);
  }
  EXPECT_EQ(taken, sent);
}

TEST_F(SignalFdTest, LetsABrokenPipeBeAnErrorOnly) {
  ASSERT_TRUE(SignalFd::open());
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const UniqueFd write_end(ends[1]);
  ::close(ends[0]);
  EXPECT_EQ(::write(write_end.get(), "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
}

}  // namespace
}  // namespace wspush::net
