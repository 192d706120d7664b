#include "load/echo_client.hpp"

#include <string>

#include <gtest/gtest.h>

#include "load/wire.hpp"

namespace wspush::load {
namespace {

class EchoClientTest : public ::testing::Test {
 protected:
  static Options options_of(bool is_deflated) {
    Options options;
    options.payload_bytes = 40;
    options.is_deflated = is_deflated;
    return options;
  }
  static std::string head() {
    return "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: " + accept_for(key_from(0)) + "\r\n\r\n";
  }
  bool take(std::string_view bytes, TimePoint now = {}) {
    return client_.take(bytes, now, context_, reply_);
  }
  /// Message `index` as an echo sends it back.
  std::string echo(std::uint64_t index, std::uint8_t opcode = kOpcodeBinary) const {
    std::string frame;
    append_server_frame(frame, opcode, ring_.payload(index));
    return frame;
  }

  Options options_ = options_of(false);
  MessageRing ring_{options_};
  Faults faults_;
  FrameInflater inflater_;
  Durations round_trips_;
  EchoContext context_{options_, ring_, faults_, inflater_, round_trips_};
  EchoClient client_{0, 3};
  std::string reply_;
};

TEST_F(EchoClientTest, KeepsSoManyInFlightAndComparesWhatComesAtEverySplit) {
  const std::string stream = echo(0) + echo(1) + echo(2);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    client_ = EchoClient(0, 3);
    std::string out;
    ASSERT_TRUE(take(head()));
    ASSERT_EQ(client_.refill({}, 100, context_, out), 3U);
    ASSERT_EQ(client_.refill({}, 100, context_, out), 0U);
    ASSERT_TRUE(take(std::string_view(stream).substr(0, cut)));
    ASSERT_TRUE(take(std::string_view(stream).substr(cut)));
    ASSERT_EQ(client_.received(), 3U);
    ASSERT_EQ(client_.in_flight(), 0U);
  }
  EXPECT_TRUE(faults_.none());
}

TEST_F(EchoClientTest, SendsMaskedFramesThatDiffer) {
  std::string out;
  ASSERT_EQ(client_.refill({}, 2, context_, out), 2U);
  std::string_view left = out;
  for (std::uint64_t index = 0; index < 2; ++index) {
    FrameView frame;
    ASSERT_EQ(parse_frame(left, frame), FrameStatus::kWhole);
    ASSERT_TRUE(frame.is_masked);
    std::string payload(left.substr(frame.header_bytes, frame.payload_bytes));
    apply_mask(payload.data(), payload.size(), frame.masking_key);
    EXPECT_EQ(payload, ring_.payload(index));
    left.remove_prefix(frame.bytes());
  }
  EXPECT_NE(ring_.payload(0), ring_.payload(1));
}

TEST_F(EchoClientTest, FindsAnotherOrderAnotherByteAnotherOpcodeAndOneTooMany) {
  const auto refuses = [&](const std::string& bytes) {
    client_ = EchoClient(0, 2);
    std::string out;
    EXPECT_TRUE(take(head()));
    EXPECT_EQ(client_.refill({}, 100, context_, out), 2U);
    faults_ = {};
    return !take(bytes) && faults_.corrupt == 1;
  };
  std::string changed = echo(0);
  changed.back() = '!';
  EXPECT_TRUE(refuses(echo(1) + echo(0)));
  EXPECT_TRUE(refuses(changed));
  EXPECT_TRUE(refuses(echo(0, kOpcodeText)));
  EXPECT_TRUE(refuses(echo(0) + echo(1) + echo(2)));
  EXPECT_FALSE(refuses(echo(0) + echo(1)));
}

TEST_F(EchoClientTest, MeasuresEachRoundTrip) {
  const TimePoint start{};
  std::string out;
  ASSERT_TRUE(take(head()));
  ASSERT_EQ(client_.refill(start, 1, context_, out), 1U);
  ASSERT_TRUE(take(echo(0), start + std::chrono::microseconds(5)));
  EXPECT_EQ(round_trips_.quantile(0.5), std::chrono::microseconds(5));
}

TEST_F(EchoClientTest, AnswersPingsAndSaysWhyTheServerCloses) {
  std::string ping;
  append_server_frame(ping, kOpcodePing, "beat");
  ASSERT_TRUE(take(head() + ping));
  EXPECT_FALSE(reply_.empty());
  std::string close;
  append_server_frame(close, kOpcodeClose, "\x03\xf1too big");
  EXPECT_FALSE(take(close));
  EXPECT_NE(faults_.first.find("close 1009 too big"), std::string::npos);
}

TEST_F(EchoClientTest, CompressesWhatInflatesToThePayload) {
  const std::string deflated = deflate_message(ring_.payload(0));
  EXPECT_LT(deflated.size(), ring_.payload(0).size());
  EXPECT_EQ(inflater_.inflate(deflated), ring_.payload(0));
  const Options options = options_of(true);
  const MessageRing ring(options);
  FrameView frame;
  ASSERT_EQ(parse_frame(ring.frame(0), frame), FrameStatus::kWhole);
  EXPECT_TRUE(frame.is_compressed);
}

}  // namespace
}  // namespace wspush::load
