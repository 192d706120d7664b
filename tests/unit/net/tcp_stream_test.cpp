#include "net/tcp_stream.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/ioctl.h>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

#include "unit/net/test_sockets.hpp"

namespace wspush::net {
namespace {

using namespace std::chrono_literals;

iovec piece(const std::string& bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

TEST(TcpStream, ReadsWhatIsThereAndThenWouldBlock) {
  const SocketPair pair = tcp_pair();
  std::array<char, 8> buffer{};
  EXPECT_EQ(read_some(pair.ours.get(), buffer).status, IoStatus::kWouldBlock);

  ASSERT_EQ(::send(pair.theirs.get(), "0123456789", 10, 0), 10);
  ASSERT_TRUE(await(pair.ours.get(), POLLIN));
  const IoResult first = read_some(pair.ours.get(), buffer);
  EXPECT_EQ(first.status, IoStatus::kOk);
  EXPECT_EQ(first.bytes, 8U);
  EXPECT_EQ(read_some(pair.ours.get(), buffer).bytes, 2U);
  const IoResult none = read_some(pair.ours.get(), buffer);
  EXPECT_EQ(none.status, IoStatus::kWouldBlock);
  EXPECT_EQ(none.error, 0);
}

TEST(TcpStream, TellsTheEnd) {
  SocketPair pair = tcp_pair();
  pair.theirs.reset();
  ASSERT_TRUE(await(pair.ours.get(), POLLIN));
  std::array<char, 8> buffer{};
  EXPECT_EQ(read_some(pair.ours.get(), buffer).status, IoStatus::kEnd);
}

TEST(TcpStream, TellsAResetOnBothWays) {
  SocketPair pair = tcp_pair();
  const linger at_once{1, 0};
  ::setsockopt(pair.theirs.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  pair.theirs.reset();
  ASSERT_TRUE(await(pair.ours.get(), POLLIN));
  std::array<char, 8> buffer{};
  const IoResult read = read_some(pair.ours.get(), buffer);
  EXPECT_EQ(read.status, IoStatus::kError);
  EXPECT_EQ(read.error, ECONNRESET);
  const std::string bytes = "x";
  const iovec one = piece(bytes);
  const IoResult write = write_some(pair.ours.get(), {&one, 1});  // and no SIGPIPE
  EXPECT_EQ(write.status, IoStatus::kError);
  EXPECT_EQ(write.error, EPIPE);
}

TEST(TcpStream, TellsABrokenPipeWithoutASignal) {
  SocketPair pair = unix_pair();
  pair.theirs.reset();
  const std::string bytes = "x";
  const std::vector<iovec> pieces{piece(bytes), piece(bytes)};
  for (const std::size_t count : {1U, 2U}) {
    const IoResult write = write_some(pair.ours.get(), std::span(pieces).first(count));
    EXPECT_EQ(write.status, IoStatus::kError);
    EXPECT_EQ(write.error, EPIPE);
  }
}

TEST(TcpStream, TellsABadDescriptor) {
  std::array<char, 8> buffer{};
  EXPECT_EQ(read_some(-1, buffer).error, EBADF);
  const std::string bytes = "x";
  const iovec one = piece(bytes);
  EXPECT_EQ(write_some(-1, {&one, 1}).error, EBADF);
}

TEST(TcpStream, WritesPiecesOneAfterTheOther) {
  SocketPair pair = unix_pair();
  const std::string a = "one ";
  const std::string b = "two ";
  const std::string c = "three";
  const std::vector<iovec> pieces{piece(a), piece(b), piece(c)};
  EXPECT_EQ(write_some(pair.ours.get(), pieces).bytes, 13U);
  EXPECT_EQ(write_some(pair.ours.get(), {}).bytes, 0U);
  EXPECT_EQ(write_some(pair.ours.get(), {}).status, IoStatus::kOk);
  pair.ours.reset();
  EXPECT_EQ(read_to_end(pair.theirs.get()), "one two three");
}

TEST(TcpStream, OffersTheFirst1024OfTooManyPieces) {
  const SocketPair pair = unix_pair();
  const std::string bytes = "x";
  for (const std::size_t count : {1023U, 1024U, 1025U, 3000U}) {
    const std::vector<iovec> pieces(count, piece(bytes));
    const IoResult result = write_some(pair.ours.get(), pieces);
    EXPECT_EQ(result.status, IoStatus::kOk);
    EXPECT_EQ(result.bytes, std::min<std::size_t>(count, 1024));
  }
}

TEST(TcpStream, IsByteExactThroughShortWritesAndReads) {
  SocketPair pair = tcp_pair();
  ASSERT_TRUE(configure_connection(pair.ours.get(), {.send_buffer_bytes = 4096}));
  SplitMix64 random(7);
  std::string sent(2'000'000, '\0');
  std::generate(sent.begin(), sent.end(), [&] { return static_cast<char>(random.next()); });

  std::string received;
  std::size_t done = 0;
  bool fell_short = false;
  while (received.size() < sent.size()) {
    if (done < sent.size()) {
      // Two pieces of random lengths from where the last write ended.
      const std::size_t left = sent.size() - done;
      const std::size_t first = 1 + random.below(std::min<std::size_t>(left, 100'000));
      std::vector<iovec> pieces{{sent.data() + done, first}};
      if (first < left) {
        pieces.push_back({sent.data() + done + first, 1 + random.below(left - first)});
      }
      const IoResult wrote = write_some(pair.ours.get(), pieces);
      ASSERT_NE(wrote.status, IoStatus::kError);
      fell_short = fell_short || wrote.status == IoStatus::kWouldBlock;
      done += wrote.bytes;
    }
    std::vector<char> buffer(1 + random.below(100'000));
    const IoResult read = read_some(pair.theirs.get(), buffer);
    ASSERT_NE(read.status, IoStatus::kError);
    received.append(buffer.data(), read.bytes);
  }
  EXPECT_TRUE(fell_short);
  EXPECT_TRUE(received == sent);
}

int option_of(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

/// What the kernel makes of a wish for SO_SNDBUF: at most wmem_max, doubled.
int granted_send_buffer(int wished) {
  std::ifstream file("/proc/sys/net/core/wmem_max");
  int most = 0;
  file >> most;
  return 2 * std::min(wished, most);
}

TEST(ConfigureConnection, SetsWhatIsAskedFor) {
  const SocketPair pair = tcp_pair();
  const int fd = pair.ours.get();
  ASSERT_TRUE(configure_connection(fd, {.user_timeout = 60s}));
  EXPECT_NE(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 128 << 10);
  EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 60'000);
  EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_SNDBUF), granted_send_buffer(256 << 10));
}

TEST(ConfigureConnection, IsInheritedFromAListener) {
  for (const char* where : {"127.0.0.1:0", "[::1]:0"}) {
    auto listeners = open_listeners(address(where), 2);
    if (!listeners && listeners.error().error == EADDRNOTAVAIL) {
      GTEST_SKIP() << "no " << where << " here";
    }
    ASSERT_TRUE(listeners);
    listeners->erase(listeners->begin());  // what joined the group is no different
    const int listener = listeners->front().get();
    ASSERT_TRUE(configure_connection(listener, {.user_timeout = 61s}));
    const UniqueFd client = connect_to(bound_address(listener));
    ASSERT_TRUE(client);
    const UniqueFd accepted = accept_from(listener);
    EXPECT_NE(option_of(accepted.get(), IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(option_of(accepted.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT), 128 << 10);
    EXPECT_EQ(option_of(accepted.get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 61'000);
    EXPECT_EQ(option_of(accepted.get(), SOL_SOCKET, SO_SNDBUF), granted_send_buffer(256 << 10));
  }
}

TEST(ConfigureConnection, BoundsWhatAStalledReaderHolds) {
  const SocketPair pair = tcp_pair();
  ASSERT_TRUE(configure_connection(pair.ours.get(), {}));
  const std::string chunk(64 << 10, 'x');
  const iovec one = piece(chunk);
  std::size_t taken = 0;
  while (write_some(pair.ours.get(), {&one, 1}).status == IoStatus::kOk && taken < (64U << 20)) {
    taken += chunk.size();
  }
  int unsent = 0;  // the rest lies in the reader's own buffer
  ASSERT_EQ(::ioctl(pair.ours.get(), SIOCOUTQNSD, &unsent), 0);
  EXPECT_GT(unsent, 0);
  EXPECT_LE(unsent, (128 << 10) + (64 << 10));
}

TEST(ConfigureConnection, LeavesTheSystemsSettingsAtZero) {
  const SocketPair plain = tcp_pair();
  const SocketPair pair = tcp_pair();
  ASSERT_TRUE(configure_connection(
      pair.ours.get(), {.no_delay = false, .not_sent_bytes_max = 0, .send_buffer_bytes = 0}));
  EXPECT_EQ(option_of(pair.ours.get(), IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(option_of(pair.ours.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT),
            option_of(plain.ours.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT));
  EXPECT_EQ(option_of(pair.ours.get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
}

TEST(ConfigureConnection, TakesUnixSocketsToo) {
  const SocketPair pair = unix_pair();
  EXPECT_TRUE(configure_connection(pair.ours.get(), {.user_timeout = 60s}));
}

TEST(ConfigureConnection, NamesTheCallThatFailed) {
  const auto result = configure_connection(-1, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text(), "getsockopt(SO_DOMAIN): Bad file descriptor (EBADF)");
}

}  // namespace
}  // namespace wspush::net
