#include "net/socket_stream.hpp"

#include "unit/net/test_sockets.hpp"

namespace wspush::net {
namespace {

TEST(SocketStream, KeepsNothingForASocketThatTakesNoMore) {
  const SocketPair sockets = unix_pair();
  SocketStream ours(sockets.ours.get());
  const std::string text(4 << 20, 'x');
  const iovec piece{const_cast<char*>(text.data()), text.size()};
  EXPECT_LT(ours.write({&piece, 1}).bytes, text.size());
  EXPECT_FALSE(ours.has_unsent());
  EXPECT_EQ(ours.write({&piece, 1}).status, IoStatus::kWouldBlock);
  EXPECT_EQ(ours.flush().status, IoStatus::kOk);
}

TEST(SocketStream, CarriesBytesAndTheEndOfTheSocket) {
  const SocketPair sockets = unix_pair();
  SocketStream ours(sockets.ours.get());
  SocketStream theirs(sockets.theirs.get());
  std::array<char, 64> buffer{};
  EXPECT_EQ(theirs.read(buffer).status, IoStatus::kWouldBlock);
  std::string text = "both pieces";
  const std::array<iovec, 2> pieces{iovec{text.data(), 5}, iovec{text.data() + 5, 6}};
  EXPECT_EQ(ours.write(pieces).bytes, 11U);
  const IoResult result = theirs.read(buffer);
  EXPECT_EQ(std::string(buffer.data(), result.bytes), text);
  EXPECT_FALSE(theirs.has_unread());
  EXPECT_EQ(ours.end_output().status, IoStatus::kOk);
  EXPECT_EQ(theirs.read(buffer).status, IoStatus::kWouldBlock) << "who half-closes says it";
  ::shutdown(sockets.ours.get(), SHUT_WR);
  EXPECT_EQ(theirs.read(buffer).status, IoStatus::kEnd);
}

}  // namespace
}  // namespace wspush::net
