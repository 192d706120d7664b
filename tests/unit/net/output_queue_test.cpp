#include "net/output_queue.hpp"

#include <string>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush::net {
namespace {

/// What fill() shows, as one string.
std::string shown(const OutputQueue& queue, std::size_t pieces_max = 1'000'000) {
  std::vector<iovec> pieces;
  const std::size_t filled = queue.fill(pieces, pieces_max);
  EXPECT_LE(pieces.size(), pieces_max);
  std::string all;
  for (const iovec& piece : pieces) {
    EXPECT_GT(piece.iov_len, 0U);
    all.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  EXPECT_EQ(filled, all.size());
  return all;
}

static_assert(sizeof(OutputQueue) <= 16);

TEST(OutputQueue, IsEmptyAtFirstAndAfterAllWasConsumed) {
  OutputQueue queue;
  EXPECT_TRUE(queue.is_empty());
  EXPECT_EQ(queue.bytes(), 0U);
  EXPECT_EQ(shown(queue), "");
  queue.append("");
  EXPECT_TRUE(queue.is_empty());
  queue.append("pong");
  EXPECT_FALSE(queue.is_empty());
  EXPECT_EQ(queue.bytes(), 4U);
  queue.consume(4);
  EXPECT_TRUE(queue.is_empty());
  queue.consume(0);
}

TEST(OutputQueue, KeepsTinyRepliesInOnePiece) {
  OutputQueue queue;
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    const std::string reply = "reply " + std::to_string(i) + ';';
    queue.append(reply);
    expected += reply;
  }
  std::vector<iovec> pieces;
  EXPECT_EQ(queue.fill(pieces, 10), expected.size());
  EXPECT_EQ(pieces.size(), 1U);
  EXPECT_EQ(shown(queue), expected);
}

TEST(OutputQueue, KeepsOneLargeReplyInAtMostTwoPieces) {
  OutputQueue queue;
  const std::string large(3'000'000, 'x');
  queue.append("before");
  queue.append(large);
  std::vector<iovec> pieces;
  queue.fill(pieces, 10);
  EXPECT_EQ(pieces.size(), 2U);
  EXPECT_EQ(shown(queue), "before" + large);
}

TEST(OutputQueue, ShowsNoMorePiecesThanAskedFor) {
  OutputQueue queue;
  queue.append(std::string(960, 'a'));
  queue.append(std::string(4096, 'b'));
  queue.append(std::string(10, 'c'));
  EXPECT_EQ(shown(queue, 0), "");
  EXPECT_EQ(shown(queue, 1), std::string(960, 'a'));
  EXPECT_EQ(shown(queue, 2).size(), 960U + 4096U);
  EXPECT_EQ(shown(queue, 3).size(), 960U + 4096U + 10U);
}

TEST(OutputQueue, LeavesPiecesValidWhenMoreIsAppended) {
  OutputQueue queue;
  queue.append("first");
  std::vector<iovec> pieces;
  queue.fill(pieces, 1);
  queue.append(std::string(10'000, 'x'));
  EXPECT_EQ(std::string(static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len), "first");
}

TEST(OutputQueue, GivesItsBytesToTheOneMovedTo) {
  OutputQueue queue;
  queue.append("abc");
  OutputQueue other = std::move(queue);
  EXPECT_EQ(shown(other), "abc");
  OutputQueue third;
  third.append("gone");
  third = std::move(other);
  EXPECT_EQ(shown(third), "abc");
  third.clear();
  EXPECT_TRUE(third.is_empty());
}

TEST(OutputQueue, AgreesWithAStringUnderRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    SplitMix64 random(seed);
    OutputQueue queue;
    std::string model;
    for (int i = 0; i < 3000; ++i) {
      if (random.below(2) == 0) {
        std::string bytes(random.below(std::uint64_t{1} << random.below(15)), '\0');
        for (char& byte : bytes) {
          byte = static_cast<char>(random.next());
        }
        queue.append(bytes);
        model += bytes;
      } else {
        const std::size_t count = random.below(std::min<std::size_t>(model.size(), 9000) + 1);
        queue.consume(count);
        model.erase(0, count);
      }
      ASSERT_EQ(queue.bytes(), model.size());
      ASSERT_EQ(queue.is_empty(), model.empty());
      if (i % 16 == 0) {
        ASSERT_EQ(shown(queue), model);
      }
    }
  }
}

}  // namespace
}  // namespace wspush::net
