#include "door/wire_forms.hpp"

#include <gtest/gtest.h>

#include "http/response_writer.hpp"
#include "unit/door/fake_connection.hpp"

namespace wspush::door {
namespace {

using hub::Message;
using hub::MessageRef;
using hub::PayloadKind;
using hub::WireForm;

std::string encode_bytes(WireForm form, PayloadKind kind, ByteView payload, ByteView key = {},
                         ByteView topic = "news") {
  const MessageRef message = Message::create(kind, payload, key);
  message->stamp({0x1a2b3c4d, 7}, {});
  metrics::ReactorMetrics metrics;
  Deflation deflation({}, metrics);
  const auto bytes = wire_forms(deflation)[static_cast<std::size_t>(form)](topic, *message);
  const hub::Frame frame(*message, *bytes);
  std::string all;
  frame.for_each_part([&](ByteView part) { all.append(part); });
  EXPECT_EQ(all.size(), frame.bytes());
  return all;
}

test::SentFrame encode(WireForm form, PayloadKind kind, ByteView payload, ByteView key = {},
                       ByteView topic = "news") {
  const auto frames = test::frames_of(encode_bytes(form, kind, payload, key, topic));
  EXPECT_EQ(frames.size(), 1U);
  return frames.at(0);
}

TEST(WireForms, WspushV1IsOneTextFrameWithTheEnvelope) {
  const auto text = [](PayloadKind kind, ByteView payload, ByteView key = {},
                       ByteView topic = "news") {
    const test::SentFrame frame = encode(WireForm::kWspushV1, kind, payload, key, topic);
    EXPECT_EQ(frame.opcode, 1);
    return frame.payload;
  };
  EXPECT_EQ(
      text(PayloadKind::kJson, R"({ "a" : 1.0e0, "b":"\u00e9" })"),
      R"({"op":"message","topic":"news","id":"1a2b3c4d-7","data":{ "a" : 1.0e0, "b":"\u00e9" }})");
  EXPECT_EQ(text(PayloadKind::kText, "a\"\\\n\x02 é"),
            R"({"op":"message","topic":"news","id":"1a2b3c4d-7","data":"a\"\\\n\u0002 é"})");
  EXPECT_EQ(text(PayloadKind::kText, ""),
            R"({"op":"message","topic":"news","id":"1a2b3c4d-7","data":""})");
  EXPECT_EQ(
      text(PayloadKind::kBinary, ByteView("\0\xff\x10", 3)),
      R"({"op":"message","topic":"news","id":"1a2b3c4d-7","encoding":"base64","data":"AP8Q"})");
  EXPECT_EQ(text(PayloadKind::kJson, "1", "AA\"L"),
            R"({"op":"message","topic":"news","id":"1a2b3c4d-7","key":"AA\"L","data":1})");
  EXPECT_EQ(text(PayloadKind::kJson, "1", {}, "q\"\\"),
            R"({"op":"message","topic":"q\"\\","id":"1a2b3c4d-7","data":1})");
}

TEST(WireForms, AMessageOfAPresenceStreamIsAnEvent) {
  const std::string stream = hub::presence_stream_of("a\"b");
  const auto text = [&](ByteView key, ByteView payload) {
    return encode(WireForm::kWspushV1, PayloadKind::kJson, payload, key, stream).payload;
  };
  EXPECT_EQ(text(hub::kJoinEvent, R"({"user":"u"})"),
            R"({"op":"join","topic":"a\"b","member":{"user":"u"}})");
  EXPECT_EQ(text(hub::kLeaveEvent, R"({"user":"u"})"),
            R"({"op":"leave","topic":"a\"b","member":{"user":"u"}})");
  EXPECT_EQ(text(hub::kCountEvent, "12"), R"({"op":"count","topic":"a\"b","members":12})");
}

TEST(WireForms, RawIsThePayloadAsItWasPublished) {
  for (const std::size_t size : {0UL, 1UL, 125UL, 126UL, 65535UL, 65536UL, 300000UL}) {
    const std::string payload(size, 'x');
    for (const PayloadKind kind : {PayloadKind::kJson, PayloadKind::kText, PayloadKind::kBinary}) {
      const test::SentFrame frame = encode(WireForm::kRaw, kind, payload, "key");
      EXPECT_EQ(frame.opcode, kind == PayloadKind::kBinary ? 2 : 1);
      EXPECT_EQ(frame.payload, payload);
    }
  }
}

TEST(WireForms, TheHeaderCountsTheEnvelopeAtEveryLengthOfLength) {
  for (std::size_t size = 1; size < 300; ++size) {
    const std::string payload(size, '1');
    EXPECT_TRUE(
        encode(WireForm::kWspushV1, PayloadKind::kJson, payload).payload.ends_with(payload + "}"));
  }
  const std::string large(70'000, '1');
  EXPECT_TRUE(
      encode(WireForm::kWspushV1, PayloadKind::kJson, large).payload.ends_with(large + "}"));
}

TEST(WireForms, ADeflatedOneSaysTheSameInItsWindow) {
  const std::string payload = "\"" + std::string(900, 'a') + std::string(900, 'b') + "\"";
  for (const WireForm plain : {WireForm::kRaw, WireForm::kWspushV1}) {
    const test::SentFrame wanted = encode(plain, PayloadKind::kJson, payload);
    for (const int bits : {8, 9, 11, 12, 14, 15}) {
      const WireForm form = form_of(
          plain,
          websocket::DeflateAgreement{.server_window_bits = static_cast<std::uint8_t>(bits)});
      const test::SentFrame frame = encode(form, PayloadKind::kJson, payload);
      EXPECT_TRUE(frame.is_compressed);
      EXPECT_EQ(frame.opcode, wanted.opcode);
      EXPECT_LT(frame.payload.size(), 200U);
      websocket::Inflater inflater({.window_bits = bits});
      websocket::ScratchBuffer scratch;
      ASSERT_EQ(
          inflater.inflate(frame.payload, {.message_bytes_max = 4000, .ratio_max = 1000}, scratch),
          websocket::FrameError::kNone);
      EXPECT_EQ(as_view(scratch.view()), wanted.payload) << bits;
    }
  }
}

TEST(WireForms, ADeflatedOneThatGainsNothingIsThePlainOne) {
  for (const ByteView payload : {ByteView(""), ByteView("1"), ByteView("short")}) {
    for (const WireForm form : {WireForm::kRawDeflated9, WireForm::kRawDeflated15}) {
      const test::SentFrame frame = encode(form, PayloadKind::kBinary, payload);
      EXPECT_FALSE(frame.is_compressed);
      EXPECT_EQ(frame.opcode, 2);
      EXPECT_EQ(frame.payload, payload);
    }
    const test::SentFrame frame = encode(WireForm::kWspushV1Deflated12, PayloadKind::kJson, "1");
    EXPECT_FALSE(frame.is_compressed);
    EXPECT_TRUE(frame.payload.ends_with(R"("data":1})"));
  }
}

TEST(WireForms, SseIsAnEventWithADataLineForEachLine) {
  const auto text = [](PayloadKind kind, ByteView payload) {
    return encode_bytes(WireForm::kSse, kind, payload, "key");
  };
  EXPECT_EQ(text(PayloadKind::kText, "a b"), "id: 1a2b3c4d-7\ndata: a b\n\n");
  EXPECT_EQ(text(PayloadKind::kJson, R"({"a":1})"), "id: 1a2b3c4d-7\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(text(PayloadKind::kText, "a\r\nb\n"), "id: 1a2b3c4d-7\ndata: a\ndata: b\ndata: \n\n");
  EXPECT_EQ(text(PayloadKind::kText, ""), "id: 1a2b3c4d-7\ndata: \n\n");
  EXPECT_EQ(text(PayloadKind::kBinary, "\n"), "id: 1a2b3c4d-7\ndata: Cg==\n\n");
  EXPECT_EQ(text(PayloadKind::kBinary, ""), "id: 1a2b3c4d-7\ndata: \n\n");
}

TEST(WireForms, AChunkOfSseCountsItsBytes) {
  for (const std::string& payload :
       {std::string("x"), std::string("a\nb"), std::string(5000, 'y')}) {
    const std::string event = encode_bytes(WireForm::kSse, PayloadKind::kText, payload);
    std::string wanted;
    http::append_chunk(wanted, event);
    EXPECT_EQ(encode_bytes(WireForm::kSseChunked, PayloadKind::kText, payload), wanted);
  }
}

TEST(WireForms, ALargePayloadOfOneLineIsNotCopiedToBeAnEvent) {
  const MessageRef message = Message::create(PayloadKind::kText, std::string(70'000, 'x'));
  metrics::ReactorMetrics metrics;
  Deflation deflation({}, metrics);
  for (const WireForm form : {WireForm::kSse, WireForm::kSseChunked}) {
    const auto bytes = wire_forms(deflation)[static_cast<std::size_t>(form)]("t", *message);
    EXPECT_TRUE(bytes->has_payload);
    EXPECT_LT(bytes->prefix.size() + bytes->suffix.size(), 100U);
  }
}

TEST(WireForms, OneOfAPollIsAnObjectWithItsTopic) {
  const auto text = [](PayloadKind kind, ByteView payload, ByteView key = {}) {
    return encode_bytes(WireForm::kPoll, kind, payload, key, "q\"");
  };
  EXPECT_EQ(text(PayloadKind::kJson, " [1] "), R"({"topic":"q\"","id":"1a2b3c4d-7","data": [1] })");
  EXPECT_EQ(text(PayloadKind::kText, "a\n", "K"),
            R"({"topic":"q\"","id":"1a2b3c4d-7","key":"K","data":"a\n"})");
  EXPECT_EQ(text(PayloadKind::kBinary, "\n"),
            R"({"topic":"q\"","id":"1a2b3c4d-7","encoding":"base64","data":"Cg=="})");
}

}  // namespace
}  // namespace wspush::door
