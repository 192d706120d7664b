#include "door/websocket_session.hpp"

#include <array>

#include <gmock/gmock.h>

#include "door/echo_session.hpp"
#include "unit/door/session_rig.hpp"

namespace wspush::door::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using websocket::Opcode;

class WebSocket : public SessionRig {
 protected:
  void open() {
    start();
    session_ = std::make_unique<EchoSession>(connection_, *context_);
  }
  void open(const websocket::DeflateAgreement& agreement) {
    start();
    auto session = std::make_unique<EchoSession>(connection_, *context_);
    session->use_deflate(agreement);
    session_ = std::move(session);
  }
  /// A compressed masked frame of the client.
  static std::string compressed(Opcode opcode, ByteView payload) {
    std::string bytes = frame(opcode, payload);
    bytes[0] = static_cast<char>(bytes[0] | 0x40);
    return bytes;
  }
};

// "Hello", and the same again out of the window (RFC 7692 §7.2.3).
constexpr ByteView kHello{"\xf2\x48\xcd\xc9\xc9\x07\x00", 7};
constexpr ByteView kHelloAgain{"\xf2\x00\x11\x00\x00", 5};

TEST_F(WebSocket, TakesCompressedMessagesWhereThatWasAgreed) {
  open(websocket::DeflateAgreement{});
  const std::string all = compressed(Opcode::kText, kHello) + frame(Opcode::kText, "plain");
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    input(all.substr(0, cut));
    input(all.substr(cut));
    ASSERT_THAT(answers(), ElementsAre("Hello", "plain")) << cut;
  }
  input(compressed(Opcode::kPing, ""));
  EXPECT_THAT(answers(), ElementsAre("close 1002"));
}

TEST_F(WebSocket, RefusesThemWhereItWasNot) {
  open();
  input(compressed(Opcode::kText, kHello));
  EXPECT_THAT(answers(), ElementsAre("close 1002"));
}

TEST_F(WebSocket, KeepsTheClientsWindowOnlyWhereThatWasAgreed) {
  open(websocket::DeflateAgreement{.client_context_takeover = true});
  input(compressed(Opcode::kText, kHello) + compressed(Opcode::kText, kHelloAgain));
  EXPECT_THAT(answers(), ElementsAre("Hello", "Hello"));
  hubs_.clear();
  engines_.clear();
  open(websocket::DeflateAgreement{});
  input(compressed(Opcode::kText, kHello) + compressed(Opcode::kText, kHelloAgain));
  EXPECT_THAT(answers(), ElementsAre("Hello", "close 1007"));
}

TEST_F(WebSocket, CompressesItsRepliesButNoControlFrame) {
  open(websocket::DeflateAgreement{});
  input(frame(Opcode::kText, std::string(128, 'x')) + frame(Opcode::kText, std::string(127, 'x')) +
        frame(Opcode::kPing, std::string(125, 'x')));
  const auto frames = connection_.take_frames();
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_TRUE(frames[0].is_compressed);
  EXPECT_LT(frames[0].payload.size(), 20U);
  EXPECT_FALSE(frames[1].is_compressed) << "below compression.min_bytes";
  EXPECT_FALSE(frames[2].is_compressed);
}

TEST_F(WebSocket, CountsAMessageThatInflatesTooFar) {
  config_->compression.max_ratio = 10;
  open(websocket::DeflateAgreement{});
  input(compressed(Opcode::kBinary, {"\x62\x60\x18\x05\xc4\x02\x00\x00", 8}));  // 300 zero bytes
  EXPECT_THAT(answers(), ElementsAre("close 1009"));
  EXPECT_EQ(limit_hits(metrics::Limit::kMaxRatio), 1U);
}

TEST_F(WebSocket, InflatesSoMuchInATurnAndTheRestInTheNext) {
  config_->compression.max_ratio = 2000;
  open(websocket::DeflateAgreement{});
  websocket::Deflater deflater(websocket::Deflater::Options{});
  websocket::ScratchBuffer scratch;
  const std::string message(Deflation::kInflatedPerTurnMax / 2, 'x');
  const std::string bomb(*deflater.deflate(std::array{ByteView(message)}, scratch));
  std::string all;
  for (int i = 0; i < 5; ++i) {
    all += compressed(Opcode::kBinary, bomb);
  }
  input(all);
  EXPECT_EQ(connection_.take_frames().size(), 2U);
  EXPECT_EQ(connection_.yields, 1);
  input({});
  EXPECT_EQ(connection_.take_frames().size(), 0U) << "the same turn";
  pass(std::chrono::nanoseconds(1));
  input({});
  EXPECT_EQ(connection_.take_frames().size(), 2U);
  pass(std::chrono::nanoseconds(1));
  input({});
  EXPECT_EQ(connection_.take_frames().size(), 1U);
  EXPECT_TRUE(input_.empty());
  EXPECT_FALSE(connection_.is_closing);
}

TEST_F(WebSocket, EchoesWhateverItsSplit) {
  open();
  const std::string all = frame(Opcode::kText, "hello") + frame(Opcode::kPing, "p") +
                          frame(Opcode::kBinary, std::string(200, 'x'));
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    pass(std::chrono::seconds(1));
    input(all.substr(0, cut));
    input(all.substr(cut));
    ASSERT_THAT(answers(), ElementsAre("hello", "pong p", std::string(200, 'x'))) << cut;
  }
}

TEST_F(WebSocket, TakesNothingWhileItsAnswersAreNotRead) {
  open();
  connection_.congested = true;
  input(frame(Opcode::kText, "later"));
  EXPECT_THAT(answers(), IsEmpty());
  EXPECT_FALSE(input_.empty());
  connection_.congested = false;
  input({});
  EXPECT_THAT(answers(), ElementsAre("later"));
}

TEST_F(WebSocket, AnswersACloseWithItsCodeAndThrowsAwayWhatFollows) {
  open();
  input(frame(Opcode::kClose, websocket::encode_close_payload(websocket::CloseCode::kNormal, "x")) +
        frame(Opcode::kText, "late"));
  EXPECT_THAT(answers(), ElementsAre("close 1000"));
  EXPECT_TRUE(connection_.is_closing);
  EXPECT_TRUE(connection_.lingers) << "a close with input unread would reset it";
  EXPECT_TRUE(input_.empty());
  std::string more = frame(Opcode::kText, "later still") + frame(Opcode::kClose, "");
  EXPECT_FALSE(session_->on_input_after_close(more)) << "the end of TCP is what is waited for";
}

TEST_F(WebSocket, ClosesWithTheCodeOfTheError) {
  const std::pair<std::string, const char*> kRows[] = {
      {std::string("\x81\x01x", 3), "close 1002"},  // not masked
      {frame(Opcode::kText, "\xff"), "close 1007"},
      {std::string("\x81\xff\x00\x00\x00\x00\x7f\xff\xff\xff\0\0\0\0", 14), "close 1009"},
      {std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14), "close 1002"},
  };
  for (const auto& [bytes, close] : kRows) {
    connection_.is_closing = false;
    input_.clear();
    engines_.clear();
    hubs_.clear();
    open();
    input(bytes);
    EXPECT_THAT(answers(), ElementsAre(close));
  }
}

TEST_F(WebSocket, WhileThePeerTakesNothingOnlyTheNewestPingIsAnswered) {
  open();
  connection_.blocked = true;
  for (int i = 0; i < 500; ++i) {
    input(frame(Opcode::kPing, std::to_string(i)));
  }
  EXPECT_THAT(answers(), IsEmpty());
  connection_.blocked = false;
  session_->on_drained();
  EXPECT_THAT(answers(), ElementsAre("pong 499"));
  session_->on_drained();
  EXPECT_THAT(answers(), IsEmpty());
}

TEST_F(WebSocket, BoundsControlFrames) {
  open();
  for (int i = 0; i < 100; ++i) {
    input(frame(i % 2 == 0 ? Opcode::kPing : Opcode::kPong, ""));
    ASSERT_FALSE(connection_.is_closing) << i;
  }
  answers();
  input(frame(Opcode::kPing, ""));
  EXPECT_THAT(answers(), ElementsAre("close 1008"));
  EXPECT_EQ(limit_hits(metrics::Limit::kControlFrames), 1U);
}

TEST_F(WebSocket, PingsAQuietPeerWithinTheIntervalAndGivesItUpInTime) {
  open();
  EXPECT_LT(connection_.deadline(), now_ + config_->heartbeat.ping_interval);
  const TimePoint opened = now_;
  std::vector<std::string> all;
  while (!connection_.is_closing) {
    ASSERT_LE(connection_.deadline(), opened + std::chrono::seconds(60));
    pass(connection_.deadline() - now_);
    session_->on_deadline(now_);
    for (std::string& answer : answers()) {
      all.push_back(std::move(answer));
      connection_.sent_at = now_;
    }
    ASSERT_LT(all.size(), 5U);
  }
  EXPECT_EQ(now_ - opened, std::chrono::seconds(60));
  EXPECT_EQ(all.front(), "ping");
  EXPECT_EQ(all.back(), "close 4009");
}

TEST_F(WebSocket, APeerThatEndsItsInputIsFlushedAndClosed) {
  open();
  session_->on_input_end();
  EXPECT_TRUE(connection_.is_closing);
  EXPECT_THAT(answers(), IsEmpty());
}

}  // namespace
}  // namespace wspush::door::test
