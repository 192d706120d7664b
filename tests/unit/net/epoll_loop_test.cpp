#include "net/epoll_loop.hpp"

#include <csignal>
#include <set>
#include <sys/time.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "net/wake_fd.hpp"
#include "unit/net/test_sockets.hpp"

namespace wspush::net {
namespace {

EpollLoop open_loop() {
  auto loop = EpollLoop::open();
  EXPECT_TRUE(loop);
  return std::move(*loop);
}

TEST(EpollLoop, TellsTheHandleOfWhatIsReady) {
  EpollLoop loop = open_loop();
  const SocketPair pair = unix_pair();
  ASSERT_TRUE(loop.add(pair.ours.get(), EPOLLIN, 0xfedcba9876543210));
  EXPECT_TRUE(loop.wait(0).empty());
  ASSERT_EQ(::send(pair.theirs.get(), "x", 1, 0), 1);
  for (int turn = 0; turn < 2; ++turn) {  // level-triggered: again, while it is not read
    const auto events = loop.wait(kPatienceMs);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].handle, 0xfedcba9876543210);
    EXPECT_EQ(events[0].events, std::uint32_t{EPOLLIN});
  }
  drain(pair.ours.get());
  EXPECT_TRUE(loop.wait(0).empty());
}

TEST(EpollLoop, ChangesAndForgetsWhatItWatches) {
  EpollLoop loop = open_loop();
  SocketPair pair = unix_pair();
  ASSERT_TRUE(loop.add(pair.ours.get(), 0, 1));
  ASSERT_EQ(::send(pair.theirs.get(), "x", 1, 0), 1);
  EXPECT_TRUE(loop.wait(0).empty());
  ASSERT_TRUE(loop.modify(pair.ours.get(), EPOLLIN | EPOLLOUT, 2));
  const auto both = loop.wait(kPatienceMs);
  ASSERT_EQ(both.size(), 1U);
  EXPECT_EQ(both[0].handle, 2U);
  EXPECT_EQ(both[0].events, std::uint32_t{EPOLLIN} | EPOLLOUT);
  loop.remove(pair.ours.get());
  loop.remove(pair.ours.get());
  EXPECT_TRUE(loop.wait(0).empty());
}

TEST(EpollLoop, TellsAHangUpEvenWhenNothingIsWatched) {
  EpollLoop loop = open_loop();
  SocketPair pair = unix_pair();
  ASSERT_TRUE(loop.add(pair.ours.get(), 0, 1));
  pair.theirs.reset();
  const auto events = loop.wait(kPatienceMs);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_NE(events[0].events & EPOLLHUP, 0U);
}

TEST(EpollLoop, BoundsABatchAndComesToAllInTurn) {
  EpollLoop loop = open_loop();
  WakeFd ready;
  ready.signal();
  std::vector<UniqueFd> copies;
  constexpr std::size_t kReady = EpollLoop::kEventsPerWait + 1;
  for (std::size_t i = 0; i < kReady; ++i) {
    copies.emplace_back(::dup(ready.fd()));
    ASSERT_TRUE(copies.back());
    ASSERT_TRUE(loop.add(copies.back().get(), EPOLLIN, i));
  }
  std::set<std::uint64_t> seen;
  for (int turn = 0; turn < 2; ++turn) {
    const auto events = loop.wait(kPatienceMs);
    EXPECT_EQ(events.size(), EpollLoop::kEventsPerWait);
    for (const Event& event : events) {
      seen.insert(event.handle);
    }
  }
  EXPECT_EQ(seen.size(), kReady);
}

TEST(EpollLoop, ComesBackEmptyFromASignal) {
  EpollLoop loop = open_loop();
  struct sigaction before {};
  struct sigaction nothing {};
  nothing.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGALRM, &nothing, &before), 0);
  itimerval every{{0, 1000}, {0, 1000}};  // again and again: one might come before the wait
  ASSERT_EQ(::setitimer(ITIMER_REAL, &every, nullptr), 0);
  EXPECT_TRUE(loop.wait(-1).empty());
  every = {};
  ::setitimer(ITIMER_REAL, &every, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
}

TEST(EpollLoop, NamesTheCallThatFailed) {
  EpollLoop loop = open_loop();
  const SocketPair pair = unix_pair();
  EXPECT_EQ(loop.modify(pair.ours.get(), EPOLLIN, 1).error().text(),
            "epoll_ctl(MOD): No such file or directory (ENOENT)");
  ASSERT_TRUE(loop.add(pair.ours.get(), EPOLLIN, 1));
  EXPECT_EQ(loop.add(pair.ours.get(), EPOLLIN, 1).error().text(),
            "epoll_ctl(ADD): File exists (EEXIST)");
}

}  // namespace
}  // namespace wspush::net
