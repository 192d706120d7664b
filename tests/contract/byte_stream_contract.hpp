#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/net/byte_stream.hpp"

#include "base/unique_fd.hpp"

// What every byte stream owes to its connection. A new one instantiates the suite in its own test:
//
//     INSTANTIATE_TEST_SUITE_P(Tls, ByteStreamContract, ::testing::Values(StreamKind{...}));
namespace wspush::net {

/// Two streams of a kind on the two ends of one socket pair, ready to be used.
struct StreamEnds {
  UniqueFd fds[2];
  std::shared_ptr<void> shared;  ///< what both stand on; dies last
  std::unique_ptr<ByteStream> ours;
  std::unique_ptr<ByteStream> theirs;
};

struct StreamKind {
  std::string name;
  std::function<StreamEnds()> make;
  std::size_t unsent_bytes_max = 0;  ///< what it may keep of one write, in bytes of the caller
};

/// For the names of tests that fail.
inline void PrintTo(const StreamKind& kind, std::ostream* out) {
  *out << kind.name;
}

class ByteStreamContract : public ::testing::TestWithParam<StreamKind> {
 protected:
  void SetUp() override { ends_ = GetParam().make(); }

  static std::string pattern(std::size_t bytes) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) {
      text[i] = static_cast<char>((i * 131 + i / 251) & 0xff);
    }
    return text;
  }

  static std::vector<iovec> cut(const std::string& text, std::size_t piece) {
    std::vector<iovec> pieces;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      pieces.push_back({const_cast<char*>(text.data()) + at, std::min(piece, text.size() - at)});
    }
    return pieces;
  }

  IoResult write(ByteStream& stream, const std::string& text, std::size_t piece = SIZE_MAX) {
    return stream.write(cut(text, std::min(piece, text.size())));
  }

  bool is_readable(const ByteStream& stream) const {
    pollfd one{ends_.fds[&stream == ends_.ours.get() ? 0 : 1].get(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
  }

  /// Reads until nothing is there, as a connection does; what it read is in `got_`.
  IoStatus read_all(ByteStream& stream, std::size_t buffer_bytes) {
    std::vector<char> buffer(buffer_bytes);
    for (;;) {
      const IoResult result = stream.read(buffer);
      if (result.status == IoStatus::kWouldBlock && is_readable(stream)) {
        continue;  // Bytes that held nothing for us.
      }
      if (result.status != IoStatus::kOk) {
        EXPECT_FALSE(stream.has_unread());
        return result.status;
      }
      EXPECT_GT(result.bytes, 0U);
      got_.append(buffer.data(), result.bytes);
    }
  }

  StreamEnds ends_;
  std::string got_;
};

TEST_P(ByteStreamContract, CarriesEveryByteInOrderWhateverTheSizesOfPiecesAndBuffers) {
  for (const std::size_t bytes : {1U, 100U, 16384U, 16385U, 60000U}) {
    for (const std::size_t piece : {1U, 3U, 999U, 16384U, 100'000U}) {
      for (const std::size_t buffer : {1U, 7U, 4096U, 300'000U}) {
        if (bytes / piece + bytes / buffer > 20'000) {
          continue;  // slow, and nothing new
        }
        SCOPED_TRACE(std::to_string(bytes) + "/" + std::to_string(piece) + "/" +
                     std::to_string(buffer));
        const std::string sent = pattern(bytes);
        const IoResult result = write(*ends_.ours, sent, piece);
        ASSERT_EQ(result.status, IoStatus::kOk);
        ASSERT_EQ(result.bytes, bytes);
        ASSERT_FALSE(ends_.ours->has_unsent());
        got_.clear();
        ASSERT_EQ(read_all(*ends_.theirs, buffer), IoStatus::kWouldBlock);
        ASSERT_TRUE(got_ == sent) << got_.size() << " bytes";
      }
    }
  }
}

TEST_P(ByteStreamContract, SaysThatASmallBufferHasLeftSomething) {
  ASSERT_EQ(write(*ends_.ours, pattern(20)).bytes, 20U);
  std::array<char, 8> buffer{};
  std::string got;
  // No event comes for what is inside the stream: has_unread() has to tell.
  do {
    const IoResult result = ends_.theirs->read(buffer);
    got.append(buffer.data(), result.bytes);
  } while (ends_.theirs->has_unread() || is_readable(*ends_.theirs));
  EXPECT_EQ(got, pattern(20));
}

TEST_P(ByteStreamContract, TakesNothingOfNothing) {
  std::array<iovec, 2> empty{};
  EXPECT_EQ(ends_.ours->write(empty).status, IoStatus::kOk);
  EXPECT_EQ(ends_.ours->write({}).bytes, 0U);
  EXPECT_EQ(ends_.ours->flush().status, IoStatus::kOk);
  EXPECT_EQ(read_all(*ends_.theirs, 100), IoStatus::kWouldBlock);
  EXPECT_EQ(got_, "");
}

TEST_P(ByteStreamContract, KeepsLittleForASocketThatTakesNoMoreAndTakesNothingMeanwhile) {
  const std::string text = pattern(4 << 20);
  std::size_t taken = write(*ends_.ours, text).bytes;
  ASSERT_LT(taken, text.size()) << "the socket takes it all";
  ASSERT_TRUE(ends_.ours->has_unsent());
  EXPECT_EQ(write(*ends_.ours, text.substr(taken)).status, IoStatus::kWouldBlock);
  EXPECT_EQ(ends_.ours->flush().status, IoStatus::kWouldBlock);
  // Everything that was taken arrives, and it is little more than the kernel holds.
  while (ends_.ours->has_unsent()) {
    ASSERT_NE(read_all(*ends_.theirs, 300'000), IoStatus::kError);
    ASSERT_EQ(ends_.ours->flush().status, IoStatus::kOk);
  }
  read_all(*ends_.theirs, 300'000);
  EXPECT_EQ(got_, text.substr(0, taken));
  // And it goes on where it stopped.
  while (taken < text.size()) {
    const IoResult result = write(*ends_.ours, text.substr(taken));
    ASSERT_NE(result.status, IoStatus::kError);
    taken += result.bytes;
    read_all(*ends_.theirs, 300'000);
  }
  while (ends_.ours->has_unsent()) {
    ASSERT_EQ(ends_.ours->flush().status, IoStatus::kOk);
    read_all(*ends_.theirs, 300'000);
  }
  read_all(*ends_.theirs, 300'000);
  EXPECT_TRUE(got_ == text);
}

TEST_P(ByteStreamContract, HoldsBackNoMoreThanItsBound) {
  int kernel_bytes = 0;
  socklen_t size = sizeof(kernel_bytes);
  ASSERT_EQ(::getsockopt(ends_.fds[0].get(), SOL_SOCKET, SO_SNDBUF, &kernel_bytes, &size), 0);
  const IoResult first = write(*ends_.ours, pattern(4 << 20));
  EXPECT_LE(first.bytes, static_cast<std::size_t>(kernel_bytes) + GetParam().unsent_bytes_max);
}

TEST_P(ByteStreamContract, EndsItsOutputOnceAndTheOtherSideStillTalks) {
  write(*ends_.ours, "last words");
  EXPECT_EQ(ends_.ours->end_output().status, IoStatus::kOk);
  EXPECT_EQ(ends_.ours->end_output().status, IoStatus::kOk);
  ::shutdown(ends_.fds[0].get(), SHUT_WR);
  EXPECT_EQ(read_all(*ends_.theirs, 4), IoStatus::kEnd);
  EXPECT_EQ(got_, "last words");
  EXPECT_EQ(read_all(*ends_.theirs, 4), IoStatus::kEnd);
  got_.clear();
  write(*ends_.theirs, "heard");
  EXPECT_EQ(read_all(*ends_.ours, 100), IoStatus::kWouldBlock);
  EXPECT_EQ(got_, "heard");
}

/// In addition, for streams that tell their end themselves: one whose socket is cut is an error.
class ByteStreamEndContract : public ByteStreamContract {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ByteStreamEndContract);

TEST_P(ByteStreamEndContract, TellsTheEndWithoutAnEventAfterTheBytesBeforeIt) {
  write(*ends_.ours, "x");
  ends_.ours->end_output();  // The socket stays open: no FIN will tell.
  std::array<char, 64> buffer{};
  ASSERT_EQ(ends_.theirs->read(buffer).status, IoStatus::kOk);
  ASSERT_TRUE(ends_.theirs->has_unread());
  EXPECT_EQ(ends_.theirs->read(buffer).status, IoStatus::kEnd);
  EXPECT_FALSE(ends_.theirs->has_unread());
}

TEST_P(ByteStreamEndContract, ASocketThatIsCutIsAnErrorNotAnEnd) {
  write(*ends_.ours, "half of it");
  ::shutdown(ends_.fds[0].get(), SHUT_WR);
  EXPECT_EQ(read_all(*ends_.theirs, 100), IoStatus::kError);
  EXPECT_EQ(got_, "half of it");
  EXPECT_EQ(read_all(*ends_.theirs, 100), IoStatus::kError);
  EXPECT_EQ(write(*ends_.theirs, "x").status, IoStatus::kError);
}

TEST_P(ByteStreamContract, AWriteToAPeerThatIsGoneIsAnErrorAndNothingStaysUnsent) {
  ends_.theirs.reset();
  ends_.fds[1].reset();
  IoResult result = write(*ends_.ours, pattern(100));
  for (int i = 0; i < 2 && result.status != IoStatus::kError; ++i) {
    result = write(*ends_.ours, pattern(100));
  }
  EXPECT_EQ(result.status, IoStatus::kError);
  EXPECT_NE(result.error, 0);
  EXPECT_FALSE(ends_.ours->has_unsent());
}

}  // namespace wspush::net
