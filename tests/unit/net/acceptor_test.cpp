#include "net/acceptor.hpp"

#include <deque>
#include <fcntl.h>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "unit/net/test_sockets.hpp"

namespace wspush::net {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow{1h};
constexpr const char* kRefusal = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n";

/// What the accept call answers next: an errno, or 0 for the real call. Empty: the real call.
std::deque<int> script;

int scripted_accept(int fd, sockaddr* peer, socklen_t* size, int flags) {
  if (!script.empty()) {
    const int error = script.front();
    script.pop_front();
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
  return ::accept4(fd, peer, size, flags);
}

class AcceptorTest : public ::testing::Test {
 protected:
  AcceptorTest() {
    script.clear();
    auto listeners = open_listeners(address("127.0.0.1:0"), 1);
    EXPECT_TRUE(listeners);
    listener_ = std::move(listeners->front());
    where_ = bound_address(listener_.get());
  }

  Acceptor make() { return Acceptor(std::move(listener_), kRefusal, &scripted_accept); }

  std::vector<UniqueFd> clients(int count) const {
    std::vector<UniqueFd> all;
    for (int i = 0; i < count; ++i) {
      all.push_back(connect_to(where_));
      EXPECT_TRUE(all.back());
    }
    return all;
  }

  UniqueFd listener_;
  SocketAddress where_;
  std::vector<Accepted> accepted_;
};

TEST_F(AcceptorTest, HandsOutConnectionsWithTheirPeers) {
  Acceptor acceptor = make();
  const auto waiting = clients(3);
  const AcceptTurn turn = acceptor.on_readable(kNow, accepted_);
  EXPECT_EQ(turn.accepted, 3U);
  EXPECT_FALSE(turn.is_paused);
  ASSERT_EQ(accepted_.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(accepted_[i].peer.text(), bound_address(waiting[i].get()).text());
    EXPECT_NE(::fcntl(accepted_[i].fd.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(accepted_[i].fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(acceptor.on_readable(kNow, accepted_).accepted, 0U);
}

TEST_F(AcceptorTest, LeavesTheRestForTheNextTurn) {
  Acceptor acceptor = make();
  const auto waiting = clients(65);
  EXPECT_EQ(acceptor.on_readable(kNow, accepted_).accepted, 64U);
  EXPECT_TRUE(is_readable_now(acceptor.fd()));
  EXPECT_EQ(acceptor.on_readable(kNow, accepted_).accepted, 1U);
  EXPECT_EQ(accepted_.size(), 65U);
}

TEST_F(AcceptorTest, GoesOnAfterAConnectionThatIsGone) {
  Acceptor acceptor = make();
  const auto waiting = clients(2);
  script = {ECONNABORTED, EINTR, 0, EPROTO, EHOSTUNREACH, 0};
  const AcceptTurn turn = acceptor.on_readable(kNow, accepted_);
  EXPECT_EQ(turn.accepted, 2U);
  EXPECT_EQ(turn.aborted, 4U);
  EXPECT_FALSE(turn.is_paused);
}

TEST_F(AcceptorTest, BoundsTheTurnWhenAllAreGone) {
  Acceptor acceptor = make();
  script.assign(1000, ECONNABORTED);
  const AcceptTurn turn = acceptor.on_readable(kNow, accepted_);
  EXPECT_EQ(turn.aborted, Acceptor::kAcceptsPerTurn);
  EXPECT_EQ(script.size(), 1000 - Acceptor::kAcceptsPerTurn);
}

TEST_F(AcceptorTest, PausesLongerAndLongerUntilItSucceeds) {
  Acceptor acceptor = make();
  const auto waiting = clients(1);
  for (const auto pause : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    script = {ENOBUFS};
    const AcceptTurn turn = acceptor.on_readable(kNow, accepted_);
    EXPECT_TRUE(turn.is_paused);
    EXPECT_EQ(turn.error, ENOBUFS);
    EXPECT_EQ(turn.refused, 0U);
    EXPECT_TRUE(acceptor.is_paused());
    EXPECT_EQ(acceptor.resume_at(), kNow + pause);
    acceptor.resume();
    EXPECT_FALSE(acceptor.is_paused());
  }
  EXPECT_EQ(acceptor.on_readable(kNow, accepted_).accepted, 1U);
  script = {ENOMEM};
  acceptor.on_readable(kNow, accepted_);
  EXPECT_EQ(acceptor.resume_at(), kNow + 100ms);
}

TEST_F(AcceptorTest, PausesOnAnErrorThatNobodyForesaw) {
  Acceptor acceptor = make();
  for (const int error : {EINVAL, EBADF, ENFILE, EMFILE, 9999}) {
    script = {error, EAGAIN};
    EXPECT_TRUE(acceptor.on_readable(kNow, accepted_).is_paused) << error;
    acceptor.resume();
  }
}

TEST_F(AcceptorTest, AnswersThoseWhoWaitWhenDescriptorsRunOut) {
  Acceptor acceptor = make();
  const auto waiting = clients(3);
  const std::string_view request = "GET /ws HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_EQ(::send(waiting[1].get(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  script = {EMFILE};
  const AcceptTurn turn = acceptor.on_readable(kNow, accepted_);
  EXPECT_EQ(turn.accepted, 0U);
  EXPECT_EQ(turn.refused, 3U);
  EXPECT_EQ(turn.error, EMFILE);
  for (const UniqueFd& client : waiting) {
    EXPECT_EQ(read_to_end(client.get()), kRefusal);
    int error = -1;
    socklen_t size = sizeof(error);
    ASSERT_EQ(::getsockopt(client.get(), SOL_SOCKET, SO_ERROR, &error, &size), 0);
    EXPECT_EQ(error, 0) << "a reset, which can overtake the answer on a real network";
  }
}

TEST_F(AcceptorTest, BoundsHowManyItAnswersInATurn) {
  Acceptor acceptor = make();
  const auto waiting = clients(70);
  script = {0, 0, ENFILE};
  const AcceptTurn turn = acceptor.on_readable(kNow, accepted_);
  EXPECT_EQ(turn.accepted, 2U);
  EXPECT_EQ(turn.refused, 62U);
  EXPECT_TRUE(turn.is_paused);
}

TEST_F(AcceptorTest, ServesOnAtTheRealLimitOfTheProcess) {
  Acceptor acceptor = make();
  auto waiting = clients(8);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // Descriptors are given out lowest first: room for two more, then none.
  std::array<int, 2> free_ones{::dup(0), ::dup(0)};
  const rlimit low{static_cast<rlim_t>(free_ones[1]) + 1, before.rlim_max};
  ::close(free_ones[0]);
  ::close(free_ones[1]);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const AcceptTurn turn = acceptor.on_readable(kNow, accepted_);
  EXPECT_EQ(turn.accepted, 2U);
  EXPECT_EQ(turn.refused, 6U);
  EXPECT_EQ(turn.error, EMFILE);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

  acceptor.resume();
  waiting = clients(1);
  EXPECT_EQ(acceptor.on_readable(kNow, accepted_).accepted, 1U);
}

TEST_F(AcceptorTest, ClosesWithoutAWordWhenThereIsNoRefusal) {
  Acceptor acceptor(std::move(listener_), "", &scripted_accept);
  const auto waiting = clients(1);
  script = {EMFILE};
  EXPECT_EQ(acceptor.on_readable(kNow, accepted_).refused, 1U);
  EXPECT_EQ(read_to_end(waiting[0].get()), "");
}

}  // namespace
}  // namespace wspush::net
