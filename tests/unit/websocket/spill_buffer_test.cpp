#include "websocket/spill_buffer.hpp"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace wspush::websocket {
namespace {

TEST(SpillBuffer, OwnsNothingUntilBytesCome) {
  SpillBuffer spill;
  spill.append_message("", 1'000'000);
  spill.append_control("");
  EXPECT_EQ(spill.heap_bytes(), 0U);
  EXPECT_TRUE(spill.view_message().empty());
  EXPECT_TRUE(spill.view_control().empty());
}

TEST(SpillBuffer, GrowsWithWhatCameAndNotWithWhatWasAnnounced) {
  SpillBuffer spill;
  std::size_t heap_bytes_max = 0;
  for (std::size_t bytes = 1; bytes <= 5000; ++bytes) {
    spill.append_message("x", std::uint64_t{1} << 62);
    EXPECT_LE(spill.heap_bytes(), 2 * bytes + 160) << bytes;
    heap_bytes_max = std::max(heap_bytes_max, spill.heap_bytes());
  }
  EXPECT_EQ(as_view(spill.view_message()), std::string(5000, 'x'));
}

TEST(SpillBuffer, DoesNotGrowPastTheEndOfTheMessage) {
  SpillBuffer spill;
  spill.append_message(std::string(900, 'x'), 1000);
  spill.append_message(std::string(100, 'y'), 1000);
  EXPECT_LE(spill.heap_bytes(), 1000 + SpillBuffer::kPaddingBytes + 32);
}

TEST(SpillBuffer, KeepsAControlFrameBehindTheMessage) {
  SpillBuffer spill;
  spill.append_message("message", 100);
  spill.append_control("pi");
  spill.append_control(std::string(123, 'n'));
  EXPECT_EQ(as_view(spill.view_message()), "message");
  EXPECT_EQ(as_view(spill.view_control()), "pi" + std::string(123, 'n'));
  spill.drop_control();
  EXPECT_EQ(spill.control_bytes(), 0U);
  spill.append_message(" goes on", 100);
  EXPECT_EQ(as_view(spill.view_message()), "message goes on");
}

TEST(SpillBuffer, IsFreedWithItsLastByte) {
  SpillBuffer spill;
  spill.append_control("ping");
  EXPECT_GT(spill.heap_bytes(), 0U);
  spill.drop_control();
  EXPECT_EQ(spill.heap_bytes(), 0U);
  spill.append_message("m", 1);
  spill.release();
  EXPECT_EQ(spill.heap_bytes(), 0U);
}

TEST(SpillBuffer, Moves) {
  SpillBuffer spill;
  spill.append_message("first", 5);
  SpillBuffer other = std::move(spill);
  EXPECT_EQ(as_view(other.view_message()), "first");
  SpillBuffer third;
  third.append_message("gone", 4);
  third = std::move(other);
  EXPECT_EQ(as_view(third.view_message()), "first");
}

// Under a sanitizer this reads past the end if the padding is not there.
TEST(SpillBuffer, HasPaddingThatMayBeRead) {
  SpillBuffer spill;
  spill.append_message(std::string(64, 'x'), 64);
  const MutableBytes message = spill.view_message();
  std::fill_n(message.data() + message.size(), SpillBuffer::kPaddingBytes, '\0');
  EXPECT_EQ(message.data()[message.size() + SpillBuffer::kPaddingBytes - 1], '\0');
}

}  // namespace
}  // namespace wspush::websocket
