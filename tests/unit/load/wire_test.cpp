#include "load/wire.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush::load {
namespace {

TEST(Wire, AnswersTheKeyOfTheRfc) {  // RFC 6455 §1.3
  EXPECT_EQ(accept_for("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Wire, MakesKeysOfSixteenBytesThatDiffer) {
  EXPECT_EQ(key_from(1).size(), 24U);
  EXPECT_EQ(key_from(1).substr(22), "==");
  EXPECT_NE(key_from(1), key_from(2));
}

TEST(Wire, MasksAsTheRfcShows) {  // RFC 6455 §5.7
  std::string frame;
  append_client_frame(frame, kOpcodeText, "Hello", 0x3d21fa37);  // 37 fa 21 3d on the wire
  EXPECT_EQ(frame, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

TEST(Wire, ReadsBackEveryLengthAroundTheSizesOfTheHeader) {
  for (const std::size_t bytes : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U, 70000U}) {
    for (const bool is_masked : {false, true}) {
      SCOPED_TRACE(bytes);
      std::string payload(bytes, '\0');
      for (std::size_t i = 0; i < bytes; ++i) {
        payload[i] = static_cast<char>(i * 7);
      }
      std::string wire;
      is_masked ? append_client_frame(wire, kOpcodeBinary, payload, 0x01020304)
                : append_server_frame(wire, kOpcodeBinary, payload);
      FrameView frame;
      ASSERT_EQ(parse_frame(wire, frame), FrameStatus::kWhole);
      EXPECT_EQ(frame.opcode, kOpcodeBinary);
      EXPECT_EQ(frame.is_masked, is_masked);
      EXPECT_EQ(frame.bytes(), wire.size());
      if (is_masked) {
        apply_mask(wire.data() + frame.header_bytes, frame.payload_bytes, frame.masking_key);
      }
      EXPECT_EQ(wire.substr(frame.header_bytes), payload);
    }
  }
}

TEST(Wire, WaitsAtEveryCutOfAFrame) {
  for (const std::size_t bytes : {5U, 200U, 66000U}) {
    std::string wire;
    append_client_frame(wire, kOpcodeText, std::string(bytes, 'x'), 7);
    for (std::size_t cut = 0; cut < wire.size(); cut += cut < 20 ? 1 : 97) {
      FrameView frame;
      ASSERT_EQ(parse_frame(std::string_view(wire).substr(0, cut), frame), FrameStatus::kNeedMore);
    }
  }
}

TEST(Wire, RefusesFragmentsReservedBitsAndMonsters) {
  FrameView frame;
  EXPECT_EQ(parse_frame(std::string_view("\x01\x00", 2), frame), FrameStatus::kRefused);
  EXPECT_EQ(parse_frame(std::string_view("\xa1\x00", 2), frame), FrameStatus::kRefused);
  EXPECT_EQ(parse_frame(std::string_view("\x82\x7f\0\0\0\0\x01\0\0\x01", 10), frame),
            FrameStatus::kRefused);
  EXPECT_EQ(parse_frame(std::string_view("\x82\x7f\0\0\0\0\x01\0\0\0", 10), frame),
            FrameStatus::kNeedMore);
}

TEST(Wire, FindsAHeaderWhateverItsCaseAndBlanks) {
  const std::string_view head =
      "GET / HTTP/1.1\r\nHost: a\r\nX-EMPTY:\r\nSec-Websocket-KEY: \t k \r\n";
  EXPECT_EQ(find_header(head, "sec-websocket-key"), "k");
  EXPECT_EQ(find_header(head, "host"), "a");
  EXPECT_EQ(find_header(head, "x-empty"), "");
  EXPECT_EQ(find_header(head, "ost"), std::nullopt);
}

}  // namespace
}  // namespace wspush::load
