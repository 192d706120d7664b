#include "server/direct_output.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush::server {
namespace {

std::string joined(const DirectOutput& output) {
  std::string bytes;
  for (const iovec& piece : output.pieces()) {
    bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  return bytes;
}

class DirectOutputTest : public ::testing::Test {
 protected:
  DirectOutputTest() : input_(64 * 1024, 'i') { output_.open(this, input_); }

  std::string input_;
  DirectOutput output_;
};

TEST_F(DirectOutputTest, CopiesSmallOnesIntoOnePiece) {
  std::string expected;
  for (int i = 0; i < 16; ++i) {
    const std::string body = "message " + std::to_string(i);
    ASSERT_TRUE(output_.has_room("h", body));
    output_.add("h", body);  // `body` dies: it was copied
    expected += "h" + body;
  }
  EXPECT_EQ(output_.pieces().size(), 1U);
  EXPECT_EQ(output_.bytes(), expected.size());
  EXPECT_EQ(joined(output_), expected);
}

TEST_F(DirectOutputTest, SendsLargePartsOfTheInputFromTheirPlace) {
  const ByteView large = ByteView(input_).substr(100, DirectOutput::kBorrowedBytesMin);
  output_.add("head", large);
  ASSERT_EQ(output_.pieces().size(), 2U);
  EXPECT_EQ(output_.pieces()[1].iov_base, input_.data() + 100);
  EXPECT_EQ(joined(output_), "head" + std::string(large));
}

TEST_F(DirectOutputTest, CopiesSmallPartsOfTheInput) {
  output_.add("head", ByteView(input_).substr(0, DirectOutput::kBorrowedBytesMin - 1));
  EXPECT_EQ(output_.pieces().size(), 1U);
}

TEST_F(DirectOutputTest, CopiesWhatLiesElsewhereOrReachesOverTheInput) {
  const std::string elsewhere(DirectOutput::kBorrowedBytesMin, 'e');
  output_.add({}, elsewhere);
  EXPECT_NE(output_.pieces()[0].iov_base, elsewhere.data());
  output_.open(this, ByteView(input_).substr(0, 5000));
  output_.clear();
  output_.add({}, ByteView(input_).substr(1000, DirectOutput::kBorrowedBytesMin));
  EXPECT_NE(output_.pieces()[0].iov_base, input_.data() + 1000);
  EXPECT_EQ(output_.bytes(), DirectOutput::kBorrowedBytesMin);
}

TEST_F(DirectOutputTest, HasRoomForSoManyCopiedBytesAndNoMore) {
  const std::string most(DirectOutput::kCopiedBytesMax - 4, 'e');
  EXPECT_TRUE(output_.has_room("head", most));
  EXPECT_FALSE(output_.has_room("heads", most));
  output_.add("head", most);
  EXPECT_FALSE(output_.has_room("h", {}));
  EXPECT_TRUE(output_.has_room({}, {}));
  output_.clear();
  EXPECT_TRUE(output_.is_empty());
  EXPECT_TRUE(output_.has_room("head", most));
}

TEST_F(DirectOutputTest, HasRoomForSoManyPiecesAndNoMore) {
  const ByteView large = ByteView(input_).substr(0, DirectOutput::kBorrowedBytesMin);
  std::size_t messages = 0;
  for (; output_.has_room("head", large); ++messages) {
    output_.add("head", large);
  }
  EXPECT_EQ(messages, DirectOutput::kPiecesMax / 2);
  EXPECT_EQ(output_.pieces().size(), DirectOutput::kPiecesMax);
  EXPECT_EQ(output_.bytes(), messages * (4 + large.size()));
}

TEST_F(DirectOutputTest, IsOfOneOwnerUntilItIsClosed) {
  EXPECT_TRUE(output_.is_open_for(this));
  EXPECT_FALSE(output_.is_open_for(&output_));
  output_.add("head", {});
  output_.close();
  EXPECT_FALSE(output_.is_open_for(this));
  EXPECT_TRUE(output_.is_empty());
  EXPECT_EQ(output_.bytes(), 0U);
}

}  // namespace
}  // namespace wspush::server
