#include "net/member_sender.hpp"

#include <string>

#include <gtest/gtest.h>

#include "unit/net/test_sockets.hpp"

namespace wspush::net {
namespace {

class MemberSender : public ::testing::Test {
 protected:
  void add_members(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      pairs_.push_back(unix_pair());
      const auto slot = static_cast<std::uint32_t>(3 * (count - i));  // slots in no order
      members_.push_back({pairs_.back().ours.get(), slot});
      busy_.resize(std::max<std::size_t>(busy_.size(), slot + 1));
    }
  }

  std::size_t send(const std::vector<std::string>& frames) {
    std::vector<iovec> pieces;
    std::size_t total = 0;
    for (const std::string& frame : frames) {
      pieces.push_back({const_cast<char*>(frame.data()), frame.size()});
      total += frame.size();
    }
    return send_to_members(members_, pieces, total, busy_.data(), fell_short_);
  }

  /// Leaves no room in the socket of member `i`.
  void fill(std::size_t i) {
    const std::string bytes(4096, 'f');
    while (::send(members_[i].fd, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
    while (::send(members_[i].fd, bytes.data(), 1, MSG_DONTWAIT) > 0) {
    }
  }

  std::vector<SocketPair> pairs_;
  std::vector<hub::Member> members_;
  std::vector<std::uint8_t> busy_{0};
  std::vector<hub::ShortSend> fell_short_;
};

TEST_F(MemberSender, SendsTheSameBytesToAll) {
  add_members(50);
  EXPECT_EQ(send({"one frame"}), 50U);
  EXPECT_EQ(send({"first ", "second ", "third"}), 50U);
  EXPECT_TRUE(fell_short_.empty());
  for (const SocketPair& pair : pairs_) {
    EXPECT_EQ(drain(pair.theirs.get()), "one framefirst second third");
  }
}

TEST_F(MemberSender, HasNothingToDoWithoutMembers) {
  EXPECT_EQ(send({"frame"}), 0U);
  EXPECT_TRUE(fell_short_.empty());
}

TEST_F(MemberSender, PassesOverTheBusy) {
  add_members(20);
  busy_[members_[0].slot] = 1;
  busy_[members_[13].slot] = 0x80;
  busy_[members_[19].slot] = 1;
  EXPECT_EQ(send({"frame"}), 17U);
  ASSERT_EQ(fell_short_.size(), 3U);
  const std::array<std::uint32_t, 3> expected{0, 13, 19};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(fell_short_[i].index, expected[i]);
    EXPECT_EQ(fell_short_[i].bytes, 0U);
    EXPECT_EQ(fell_short_[i].error, 0);
  }
  EXPECT_EQ(drain(pairs_[13].theirs.get()), "");
  EXPECT_EQ(drain(pairs_[14].theirs.get()), "frame");
}

TEST_F(MemberSender, TellsWhoTookNothingPartOrIsGone) {
  for (const bool is_gathered : {false, true}) {
    pairs_.clear();
    members_.clear();
    fell_short_.clear();
    add_members(12);
    fill(2);
    pairs_[7].theirs.reset();
    // More than any unix socket takes at once, so everybody else falls short within the bytes.
    const std::string half(8 << 20, 'x');
    const auto frames =
        is_gathered ? std::vector{half, half} : std::vector<std::string>{half + half};
    EXPECT_EQ(send(frames), 0U);
    ASSERT_EQ(fell_short_.size(), 12U);
    for (std::uint32_t i = 0; i < 12; ++i) {
      EXPECT_EQ(fell_short_[i].index, i);
      EXPECT_EQ(fell_short_[i].error, i == 7 ? EPIPE : 0);
      if (i == 2 || i == 7) {
        EXPECT_EQ(fell_short_[i].bytes, 0U);
      } else {
        EXPECT_GT(fell_short_[i].bytes, 0U);
        EXPECT_EQ(drain(pairs_[i].theirs.get()).size(), fell_short_[i].bytes);
      }
    }
  }
}

TEST_F(MemberSender, ServesTheOthersWholeWhenOneIsFull) {
  add_members(10);
  fill(4);
  EXPECT_EQ(send({"frame"}), 9U);
  ASSERT_EQ(fell_short_.size(), 1U);
  EXPECT_EQ(fell_short_[0].index, 4U);
  EXPECT_EQ(drain(pairs_[9].theirs.get()), "frame");
}

TEST_F(MemberSender, AppendsToWhatWasReportedBefore) {
  add_members(3);
  busy_[members_[1].slot] = 1;
  EXPECT_EQ(send({"a"}), 2U);
  EXPECT_EQ(send({"b"}), 2U);
  EXPECT_EQ(fell_short_.size(), 2U);
}

TEST_F(MemberSender, CarriesAsManyFramesAsOneCallCan) {
  add_members(2);
  EXPECT_EQ(send(std::vector<std::string>(kFramesPerSend, "f")), 2U);
  EXPECT_EQ(drain(pairs_[1].theirs.get()).size(), kFramesPerSend);
  EXPECT_DEATH(send(std::vector<std::string>(kFramesPerSend + 1, "f")), "");
}

}  // namespace
}  // namespace wspush::net
