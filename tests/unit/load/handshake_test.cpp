#include "load/handshake.hpp"

#include <string>

#include <gtest/gtest.h>

#include "load/wire.hpp"

namespace wspush::load {
namespace {

class HandshakeTest : public ::testing::Test {
 protected:
  static std::string answer(const std::string& more = "") {
    return "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + accept_for(key_from(7)) +
           "\r\n" + more + "\r\n";
  }
  HandshakeStatus take(std::string_view text, std::string_view subprotocol = {},
                       bool is_deflated = false) {
    why_.clear();
    left_ = text;
    return take_handshake_answer(left_, subprotocol, 7, is_deflated, why_);
  }

  std::string why_;
  std::string_view left_;
};

TEST_F(HandshakeTest, TakesTheHeadAndLeavesWhatFollows) {
  const std::string text = answer() + "frames";
  EXPECT_EQ(take(text), HandshakeStatus::kDone);
  EXPECT_EQ(left_, "frames");
  for (std::size_t cut = 0; cut < answer().size(); ++cut) {
    ASSERT_EQ(take(std::string_view(text).substr(0, cut)), HandshakeStatus::kNeedMore) << cut;
  }
}

TEST_F(HandshakeTest, RefusesAnotherStatusKeySubprotocolOrExtension) {
  EXPECT_EQ(take("HTTP/1.1 404 Not Found\r\n\r\n{}"), HandshakeStatus::kRefused);
  EXPECT_EQ(why_, "handshake: HTTP/1.1 404 Not Found {}");
  EXPECT_EQ(take("HTTP/1.1 101 x\r\nSec-WebSocket-Accept: x\r\n\r\n"), HandshakeStatus::kRefused);
  EXPECT_EQ(take(answer(), "mqtt"), HandshakeStatus::kRefused);
  const std::string mqtt = answer("Sec-WebSocket-Protocol: mqtt\r\n");
  EXPECT_EQ(take(mqtt), HandshakeStatus::kRefused);
  EXPECT_EQ(take(mqtt, "mqtt"), HandshakeStatus::kDone);
  const std::string deflated =
      answer("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n");
  EXPECT_EQ(take(deflated), HandshakeStatus::kRefused);
  EXPECT_EQ(take(deflated, {}, true), HandshakeStatus::kDone);
  EXPECT_EQ(take(answer(), {}, true), HandshakeStatus::kRefused);
  EXPECT_EQ(take(std::string(20000, 'a')), HandshakeStatus::kRefused);
}

TEST_F(HandshakeTest, AsksWithTokenSubprotocolAndExtension) {
  Options options;
  options.server.authority = "example.org:81";
  options.token = "t.o.k";
  const std::string text = encode_handshake(options, "/x", "mqtt", 7, true);
  EXPECT_EQ(text.find("GET /x HTTP/1.1\r\nHost: example.org:81\r\n"), 0U);
  for (const char* line : {"Authorization: Bearer t.o.k\r\n", "Sec-WebSocket-Protocol: mqtt\r\n",
                           "Sec-WebSocket-Extensions: permessage-deflate"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace wspush::load
