#include "net/listener.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "unit/net/test_sockets.hpp"

namespace wspush::net {
namespace {

class TcpListener : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto probe = open_listeners(address(GetParam()), 1);
    if (!probe && (probe.error().error == EADDRNOTAVAIL || probe.error().error == EAFNOSUPPORT)) {
      GTEST_SKIP() << "no " << GetParam() << " here";
    }
    ASSERT_TRUE(probe) << probe.error().text();
  }

  /// Where a client finds a listener that may be bound to every interface.
  static SocketAddress reachable(int listener) {
    const SocketAddress bound = bound_address(listener);
    const bool is_v6 = bound.family() == AF_INET6;
    return address((is_v6 ? "[::1]:" : "127.0.0.1:") + std::to_string(bound.port()));
  }
};

INSTANTIATE_TEST_SUITE_P(Addresses, TcpListener,
                         ::testing::Values("127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"));

TEST_P(TcpListener, GivesEveryReactorASocketOfOnePort) {
  auto listeners = open_listeners(address(GetParam()), 4);
  ASSERT_TRUE(listeners) << listeners.error().text();
  ASSERT_EQ(listeners->size(), 4U);
  const std::uint16_t port = bound_address(listeners->front().get()).port();
  EXPECT_NE(port, 0);
  for (const UniqueFd& listener : *listeners) {
    EXPECT_EQ(bound_address(listener.get()).port(), port);
    EXPECT_NE(::fcntl(listener.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(listener.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_P(TcpListener, SpreadsConnectionsOverTheGroup) {
  auto listeners = open_listeners(address(GetParam()), 2);
  ASSERT_TRUE(listeners);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(connect_to(reachable(listeners->front().get())));
    ASSERT_TRUE(clients.back());
  }
  // A share of none by chance: 2 in 2^64.
  EXPECT_TRUE(await((*listeners)[0].get(), POLLIN));
  EXPECT_TRUE(await((*listeners)[1].get(), POLLIN));
}

TEST_P(TcpListener, RefusesASecondInstance) {
  for (const std::size_t reactors : {1U, 3U}) {
    auto first = open_listeners(address(GetParam()), reactors);
    ASSERT_TRUE(first);
    const SocketAddress bound = bound_address(first->front().get());
    for (const std::size_t others : {1U, 3U}) {
      auto second = open_listeners(bound, others);
      ASSERT_FALSE(second) << "two instances share " << bound.text();
      EXPECT_EQ(second.error().text(), "bind: Address already in use (EADDRINUSE)");
    }
  }
}

TEST_P(TcpListener, RefusesASecondInstanceThatStartsAtTheSameMoment) {
  // With SO_REUSEADDR both can be bound before either listens.
  const SocketAddress wanted = address(GetParam());
  UniqueFd other(::socket(wanted.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ASSERT_EQ(::setsockopt(other.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
  ASSERT_EQ(::bind(other.get(), wanted.data(), wanted.size()), 0);
  auto ours = open_listeners(bound_address(other.get()), 3);
  ASSERT_TRUE(ours) << ours.error().text();
  EXPECT_EQ(::listen(other.get(), 1), -1);
  EXPECT_EQ(errno, EADDRINUSE);
}

TEST(Listener, IsOpenedByExactlyOneOfTwoInstancesThatStartTogether) {
  // A loopback address of its own, so that the port is not taken by others meanwhile.
  auto probe = open_listeners(address("127.83.71.9:0"), 1);
  ASSERT_TRUE(probe) << probe.error().text();
  const SocketAddress where = bound_address(probe->front().get());
  probe->clear();
  for (int round = 0; round < 300; ++round) {
    std::atomic<int> ready{0};
    std::array<bool, 2> has_opened{};
    std::array<std::vector<UniqueFd>, 2> listeners;  // both kept until both have tried
    const auto start = [&](std::size_t instance) {
      ++ready;
      while (ready < 2) {
      }
      auto opened = open_listeners(where, 2);
      has_opened[instance] = opened.has_value();
      if (opened) {
        listeners[instance] = std::move(*opened);
      }
    };
    std::thread other(start, 1U);
    start(0);
    other.join();
    ASSERT_NE(has_opened[0], has_opened[1])
        << (has_opened[0] ? "both" : "none") << " in round " << round;
  }
}

TEST_P(TcpListener, CanBeOpenedAgainWhileConnectionsAreInTimeWait) {
  auto listeners = open_listeners(address(GetParam()), 2);
  ASSERT_TRUE(listeners);
  const SocketAddress bound = bound_address(listeners->front().get());
  UniqueFd client = connect_to(reachable(listeners->front().get()));
  ASSERT_TRUE(client);
  std::array<pollfd, 2> both{
      {{(*listeners)[0].get(), POLLIN, 0}, {(*listeners)[1].get(), POLLIN, 0}}};
  ASSERT_EQ(::poll(both.data(), 2, kPatienceMs), 1);
  const int ready = both[0].revents != 0 ? both[0].fd : both[1].fd;
  UniqueFd accepted = accept_from(ready);
  accepted.reset();  // who closes first is in TIME_WAIT
  ASSERT_TRUE(await(client.get(), POLLIN));
  client.reset();
  listeners->clear();
  auto again = open_listeners(bound, 2);
  EXPECT_TRUE(again) << again.error().text();
}

TEST(Listener, TakesIpv4OnTheIpv6Wildcard) {
  auto listeners = open_listeners(address("[::]:0"), 2);
  if (!listeners) {
    GTEST_SKIP() << listeners.error().text();
  }
  const SocketAddress bound = bound_address(listeners->front().get());
  const UniqueFd client = connect_to(address("127.0.0.1:" + std::to_string(bound.port())));
  ASSERT_TRUE(client);
  std::array<pollfd, 2> both{
      {{(*listeners)[0].get(), POLLIN, 0}, {(*listeners)[1].get(), POLLIN, 0}}};
  ASSERT_EQ(::poll(both.data(), 2, kPatienceMs), 1);
  const UniqueFd accepted = accept_from(both[0].revents != 0 ? both[0].fd : both[1].fd);
  EXPECT_EQ(peer_address(accepted.get()).ip().text(), "127.0.0.1");
  EXPECT_TRUE(peer_address(accepted.get()).is_loopback());
}

TEST(Listener, NamesTheCallThatFailed) {
  const auto foreign = open_listeners(address("192.0.2.1:0"), 1);  // TEST-NET-1: nobody has it
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().text(), "bind: Cannot assign requested address (EADDRNOTAVAIL)");
  const auto absent = open_listeners(address("unix:/no/such/directory/socket"), 1);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().text(), "bind: No such file or directory (ENOENT)");
}

class UnixListener : public ::testing::Test {
 protected:
  UnixListener() {
    std::string pattern = ::testing::TempDir() + "wspush-net-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    where_ = address("unix:" + directory_ + "/socket");
  }
  ~UnixListener() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
  SocketAddress where_;
};

TEST_F(UnixListener, GivesEveryReactorTheSameSocket) {
  auto listeners = open_listeners(where_, 3);
  ASSERT_TRUE(listeners) << listeners.error().text();
  ASSERT_EQ(listeners->size(), 3U);
  EXPECT_EQ(bound_address((*listeners)[2].get()).text(), where_.text());
  const UniqueFd client = connect_to(where_);
  ASSERT_TRUE(client);
  for (const UniqueFd& listener : *listeners) {
    EXPECT_TRUE(await(listener.get(), POLLIN));
    EXPECT_NE(::fcntl(listener.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_TRUE(accept_from((*listeners)[1].get()));
}

TEST_F(UnixListener, RefusesASecondInstance) {
  auto first = open_listeners(where_, 1);
  ASSERT_TRUE(first);
  const auto second = open_listeners(where_, 1);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().text(), "bind: Address already in use (EADDRINUSE)");
  EXPECT_TRUE(connect_to(where_)) << "the first instance lost its path";
}

TEST_F(UnixListener, RefusesASecondInstanceWhenTheQueueOfTheFirstIsFull) {
  auto first = open_listeners(where_, 1, 0);
  ASSERT_TRUE(first);
  std::vector<UniqueFd> waiting;
  for (;;) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (::connect(fd.get(), where_.data(), where_.size()) != 0) {
      ASSERT_EQ(errno, EAGAIN);
      break;
    }
    waiting.push_back(std::move(fd));
  }
  EXPECT_FALSE(open_listeners(where_, 1));
}

TEST_F(UnixListener, TakesOverAPathThatNobodyAnswers) {
  { ASSERT_TRUE(open_listeners(where_, 1)); }  // closed, and left behind as by a crash
  struct stat found {};
  ASSERT_EQ(::lstat(where_.unix_path().c_str(), &found), 0);
  EXPECT_TRUE(open_listeners(where_, 2));
}

TEST_F(UnixListener, LeavesNoFileBehindWithItsSocketFile) {
  {
    auto listeners = open_listeners(where_, 1);
    ASSERT_TRUE(listeners);
    SocketFile first(bound_address(listeners->front().get()));
    const SocketFile moved(std::move(first));
    listeners->clear();
    EXPECT_TRUE(std::filesystem::is_socket(where_.unix_path()));
  }
  EXPECT_FALSE(std::filesystem::exists(where_.unix_path()));
  const SocketFile nothing(address("127.0.0.1:0"));
}

TEST_F(UnixListener, LeavesTheFileOfWhoCameAfterIt) {
  std::vector<UniqueFd> newer;
  {
    auto older = open_listeners(where_, 1);
    ASSERT_TRUE(older);
    const SocketFile file(bound_address(older->front().get()));
    older->clear();
    auto opened = open_listeners(where_, 1);
    ASSERT_TRUE(opened);
    newer = std::move(*opened);
  }
  EXPECT_TRUE(std::filesystem::is_socket(where_.unix_path()));
  EXPECT_TRUE(connect_to(where_));
}

TEST_F(UnixListener, NeverRemovesAnythingButASocket) {
  const UniqueFd file(::open(where_.unix_path().c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  ASSERT_TRUE(file);
  const auto listeners = open_listeners(where_, 1);
  ASSERT_FALSE(listeners);
  EXPECT_EQ(listeners.error().error, EADDRINUSE);
  EXPECT_TRUE(std::filesystem::is_regular_file(where_.unix_path()));
}

}  // namespace
}  // namespace wspush::net
