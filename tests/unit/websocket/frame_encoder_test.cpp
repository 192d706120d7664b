#include "websocket/frame_encoder.hpp"

#include <string>

#include <gtest/gtest.h>

#include "unit/websocket/frame_builder.hpp"

namespace wspush::websocket {
namespace {

TEST(FrameEncoder, MakesTheExamplesOfTheRfc) {  // §5.7
  std::string out;
  append_frame(out, Opcode::kText, "Hello");
  EXPECT_EQ(out, "\x81\x05Hello");
  out.clear();
  append_masked_frame(out, Opcode::kText, "Hello", {0x37, 0xfa, 0x21, 0x3d});
  EXPECT_EQ(out, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

TEST(FrameEncoder, AppendsFramesOfEveryLengthForm) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U}) {
    const std::string payload(size, 'p');
    std::string out = "before";
    append_frame(out, Opcode::kBinary, payload);
    append_masked_frame(out, Opcode::kBinary, payload, {1, 2, 3, 4});
    EXPECT_EQ(out, "before" + build({.opcode = 2, .masked = false, .payload = payload}) +
                       build({.opcode = 2, .key = "\x01\x02\x03\x04", .payload = payload}));
  }
}

TEST(FrameEncoder, WritesAServersHeaderAsAnyOther) {
  for (const std::uint64_t bytes :
       {0ULL, 1ULL, 125ULL, 126ULL, 255ULL, 256ULL, 65535ULL, 65536ULL, 1ULL << 40}) {
    for (const bool rsv1 : {false, true}) {
      const EncodedHeader expected = encode_frame_header(
          {.payload_bytes = bytes, .opcode = Opcode::kBinary, .fin = true, .rsv1 = rsv1});
      EXPECT_EQ(encode_server_header(Opcode::kBinary, bytes, rsv1).view(), expected.view())
          << bytes;
    }
  }
}

TEST(FrameEncoder, MarksACompressedFrame) {
  EXPECT_EQ(encode_server_header(Opcode::kText, 5, true).view(), "\xC1\x05");
  EXPECT_EQ(encode_server_header(Opcode::kText, 5).view(), "\x81\x05");
}

TEST(FrameEncoder, MakesCloseFrames) {  // §5.5.1
  EXPECT_EQ(encode_close(CloseCode::kGoingAway, "bye"),
            "\x88\x05\x03\xE9"
            "bye");
  EXPECT_EQ(encode_close(CloseCode::kNormal, ""), "\x88\x02\x03\xE8");
  EXPECT_EQ(encode_close(CloseCode::kNoStatus, "ignored"), std::string_view("\x88\x00", 2));
  EXPECT_EQ(encode_close(CloseCode::kTooSlow), "\x88\x0A\x0F\xA8too slow");
}

TEST(FrameEncoder, CutsALongReasonBetweenCodePoints) {
  EXPECT_EQ(encode_close_payload(CloseCode::kNormal, std::string(123, 'r')).size(), 125U);
  EXPECT_EQ(encode_close_payload(CloseCode::kNormal, std::string(124, 'r')).size(), 125U);
  for (std::size_t before = 119; before <= 123; ++before) {
    const std::string reason = std::string(before, 'r') + "\xF0\x9F\x98\x80";
    const std::string payload = encode_close_payload(CloseCode::kNormal, reason);
    EXPECT_EQ(payload.size(), 2 + (before == 119 ? 123 : before)) << before;
  }
}

}  // namespace
}  // namespace wspush::websocket
