#include "load/subscriber.hpp"

#include <string>

#include <gtest/gtest.h>

#include "load/mqtt.hpp"
#include "load/nats.hpp"
#include "load/payload.hpp"

namespace wspush::load {
namespace {

class SubscriberTest : public ::testing::Test {
 protected:
  void use(Dialect dialect) {
    options_.dialect = dialect;
    options_.payload_bytes = 20;
    options_.is_check = true;
    options_.server.authority = "127.0.0.1:80";
  }

  bool take(std::string_view bytes) { return subscriber_.take(bytes, context_, reply_); }

  static std::string head() {
    return "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + accept_for(key_from(0)) +
           "\r\n\r\n";
  }
  static std::string head_for(std::string_view subprotocol) {
    std::string text = head();
    text.insert(text.size() - 2, "Sec-WebSocket-Protocol: " + std::string(subprotocol) + "\r\n");
    return text;
  }
  static std::string binary_frame(std::string_view payload) {
    std::string frame;
    append_server_frame(frame, kOpcodeBinary, payload);
    return frame;
  }
  /// What it said, unmasked.
  std::string said() {
    std::string all;
    FrameView frame;
    std::string_view left = reply_;
    while (parse_frame(left, frame) == FrameStatus::kWhole) {
      std::string payload(left.substr(frame.header_bytes, frame.payload_bytes));
      apply_mask(payload.data(), payload.size(), frame.masking_key);
      all += payload;
      left.remove_prefix(frame.bytes());
    }
    reply_.clear();
    return all;
  }
  static std::string text_frame(std::string_view payload) {
    std::string frame;
    append_server_frame(frame, kOpcodeText, payload);
    return frame;
  }
  static std::string subscribed(const std::string& last) {
    return text_frame(R"({"op":"welcome","connection":"c"})") +
           text_frame(R"({"op":"subscribed","id":1,"topic":"bench","last":")" + last + "\"}");
  }
  std::string message(std::uint64_t sequence, const std::string& id = "") const {
    const std::string payload = make_payload(sequence, options_.payload_bytes);
    return text_frame(options_.dialect == Dialect::kWspushV1
                          ? R"({"op":"message","topic":"bench","id":")" + id + R"(","data":")" +
                                payload + "\"}"
                          : payload);
  }
  void publish(int count) {
    for (int i = 0; i < count; ++i) {
      (void)tracker_.publish(MonotonicClock::now());
    }
  }

  Options options_;
  DeliveryTracker tracker_{1};
  Faults faults_;
  FrameInflater inflater_;
  std::uint64_t pings_ = 0;
  SubscriberContext context_{.options = options_,
                             .tracker = tracker_,
                             .faults = faults_,
                             .inflater = inflater_,
                             .pings = &pings_};
  Subscriber subscriber_{0};
  std::string reply_;
};

TEST_F(SubscriberTest, IsContentWithEachMessageOnceAndInOrderAtEverySplit) {
  use(Dialect::kRaw);
  const std::string stream = head() + message(1) + message(2) + message(3);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    tracker_ = DeliveryTracker(1);
    publish(3);
    subscriber_ = Subscriber(0);
    ASSERT_TRUE(take(std::string_view(stream).substr(0, cut)));
    ASSERT_TRUE(take(std::string_view(stream).substr(cut)));
    ASSERT_EQ(tracker_.outstanding(), 0U);
    ASSERT_EQ(subscriber_.ledger().missing(3), 0U);
    ASSERT_TRUE(faults_.none()) << faults_.first;
  }
}

TEST_F(SubscriberTest, TakesCompressedMessagesWhereItOfferedThat) {
  use(Dialect::kRaw);
  options_.is_deflated = true;
  EXPECT_NE(subscriber_.opening(context_).find("permessage-deflate"), std::string::npos);
  // What zlib makes of the payloads of messages 1 and 2.
  for (const std::uint64_t sequence : {std::uint64_t{1}, std::uint64_t{2}}) {
    const std::string payload = make_payload(sequence, options_.payload_bytes);
    // A block without compression: 00, the length, its complement; the empty block's first byte.
    std::string deflated = std::string("\x00", 1) + static_cast<char>(payload.size()) +
                           std::string("\x00", 1) + static_cast<char>(~payload.size()) + "\xff" +
                           payload + std::string("\x00", 1);
    std::string frame = text_frame(deflated);
    frame[0] = static_cast<char>(frame[0] | 0x40);
    publish(1);
    if (sequence == 1) {
      std::string agreed = head();
      agreed.insert(agreed.size() - 2,
                    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n");
      ASSERT_TRUE(take(agreed));
    }
    ASSERT_TRUE(take(frame)) << faults_.first;
  }
  EXPECT_EQ(tracker_.outstanding(), 0U);
  EXPECT_TRUE(faults_.none()) << faults_.first;
  EXPECT_EQ(inflater_.count(), 2U);
  std::string garbage = text_frame("\xff\xff");
  garbage[0] = static_cast<char>(garbage[0] | 0x40);
  EXPECT_FALSE(take(garbage));
}

TEST_F(SubscriberTest, InsistsOnCompressionWhereItOfferedIt) {
  use(Dialect::kRaw);
  options_.is_deflated = true;
  EXPECT_FALSE(take(head()));
}

TEST_F(SubscriberTest, SubscribesOnTheV1DoorAndFollowsTheIdsByteByByte) {
  use(Dialect::kWspushV1);
  publish(2);
  for (const char byte : head_for("wspush.v1") + subscribed("0000000a-7") +
                             message(1, "0000000a-8") + message(2, "0000000a-9")) {
    ASSERT_TRUE(take(std::string_view(&byte, 1)));
  }
  FrameView frame;
  ASSERT_EQ(parse_frame(reply_, frame), FrameStatus::kWhole);
  apply_mask(reply_.data() + frame.header_bytes, frame.payload_bytes, frame.masking_key);
  EXPECT_EQ(reply_.substr(frame.header_bytes), R"({"op":"subscribe","id":1,"topic":"bench"})");
  EXPECT_EQ(subscriber_.state(), Subscriber::State::kLive);
  EXPECT_TRUE(faults_.none()) << faults_.first;
  EXPECT_EQ(tracker_.outstanding(), 0U);
}

TEST_F(SubscriberTest, CountsAMissingMessage) {
  use(Dialect::kRaw);
  publish(3);
  ASSERT_TRUE(take(head() + message(1) + message(3)));
  EXPECT_EQ(subscriber_.ledger().missing(3), 1U);
  EXPECT_EQ(tracker_.outstanding(), 2U);  // 3 waits behind 2
}

TEST_F(SubscriberTest, CountsADuplicateAndDeliversItOnce) {
  use(Dialect::kRaw);
  publish(2);
  ASSERT_TRUE(take(head() + message(1) + message(1) + message(2)));
  EXPECT_EQ(faults_.duplicates, 1U);
  EXPECT_EQ(tracker_.deliveries(), 2U);
}

TEST_F(SubscriberTest, CountsTwoThatCameInTheWrongOrder) {
  use(Dialect::kRaw);
  publish(2);
  ASSERT_TRUE(take(head() + message(2) + message(1)));
  EXPECT_EQ(faults_.out_of_order, 1U);
  EXPECT_EQ(subscriber_.ledger().missing(2), 0U);
}

TEST_F(SubscriberTest, CountsWhatNobodyPublishedAndAChangedByte) {
  use(Dialect::kRaw);
  publish(1);
  std::string changed = message(1);
  changed.back() = '!';
  ASSERT_TRUE(take(head() + message(2) + changed + text_frame("hello")));
  EXPECT_EQ(faults_.corrupt, 3U);
  EXPECT_EQ(tracker_.deliveries(), 0U);
}

TEST_F(SubscriberTest, CountsAnOffsetThatJumpsAndANewEpoch) {
  use(Dialect::kWspushV1);
  publish(3);
  ASSERT_TRUE(take(head_for("wspush.v1") + subscribed("a-0") + message(1, "a-1") +
                   message(2, "a-3") + message(3, "b-4")));
  EXPECT_EQ(faults_.offset_jumps, 2U);
}

TEST_F(SubscriberTest, CountsAGapThatItIsToldOf) {
  use(Dialect::kWspushV1);
  ASSERT_TRUE(take(head_for("wspush.v1") + subscribed("a-0") +
                   text_frame(R"({"op":"gap","topic":"bench","after":"a-0","next":"a-5"})")));
  EXPECT_EQ(faults_.gaps, 1U);
}

TEST_F(SubscriberTest, CountsAClose4007AsAGap) {
  use(Dialect::kRaw);
  std::string close;
  append_server_frame(close, kOpcodeClose, "\x0f\xa7lost");
  EXPECT_FALSE(take(head() + close));
  EXPECT_EQ(faults_.gaps, 1U);
  EXPECT_NE(faults_.first.find("close 4007 lost"), std::string::npos);
}

TEST_F(SubscriberTest, AnswersAPingWithItsPayload) {
  use(Dialect::kRaw);
  std::string ping;
  append_server_frame(ping, kOpcodePing, "beat");
  ASSERT_TRUE(take(head() + ping));
  FrameView frame;
  ASSERT_EQ(parse_frame(reply_, frame), FrameStatus::kWhole);
  EXPECT_EQ(frame.opcode, kOpcodePong);
  EXPECT_EQ(pings_, 1U);
  EXPECT_TRUE(frame.is_masked);
  apply_mask(reply_.data() + frame.header_bytes, frame.payload_bytes, frame.masking_key);
  EXPECT_EQ(reply_.substr(frame.header_bytes), "beat");
}

TEST_F(SubscriberTest, RefusesAHandshakeThatIsNotAnswered101OrWithAnotherKey) {
  use(Dialect::kRaw);
  EXPECT_FALSE(take("HTTP/1.1 503 Service Unavailable\r\n\r\n{}"));
  EXPECT_NE(faults_.first.find("503"), std::string::npos);
  subscriber_ = Subscriber(1);
  EXPECT_FALSE(take(head()));  // the accept of number 0
}

TEST_F(SubscriberTest, RefusesMaskedAndFragmentedFrames) {
  use(Dialect::kRaw);
  std::string masked;
  append_client_frame(masked, kOpcodeText, "x", 1);
  EXPECT_FALSE(take(head() + masked));
  subscriber_ = Subscriber(0);
  EXPECT_FALSE(take(head() + std::string("\x01\x01x", 3)));
}

TEST_F(SubscriberTest, RefusesAnErrorOfTheV1Door) {
  use(Dialect::kWspushV1);
  EXPECT_FALSE(take(head_for("wspush.v1") +
                    text_frame(R"({"op":"error","id":1,"code":"forbidden","message":"no"})")));
  EXPECT_NE(faults_.first.find("forbidden"), std::string::npos);
}

TEST_F(SubscriberTest, SpeaksNatsAcrossFramesByteByByte) {
  use(Dialect::kNats);
  publish(2);
  ASSERT_TRUE(take(head() + text_frame("INFO {}\r\n")));
  EXPECT_EQ(said(), nats_connect("") + "SUB bench 1\r\nPING\r\n");
  EXPECT_EQ(subscriber_.state(), Subscriber::State::kSubscribing);
  std::string stream = "PONG\r\n";
  for (const std::uint64_t sequence : {1U, 2U}) {
    stream += "MSG bench 1 20\r\n" + make_payload(sequence, 20) + "\r\n";
  }
  stream += "PING\r\n";
  for (const char byte : stream) {
    ASSERT_TRUE(take(binary_frame(std::string_view(&byte, 1))));
  }
  EXPECT_EQ(subscriber_.state(), Subscriber::State::kLive);
  EXPECT_EQ(said(), "PONG\r\n");
  EXPECT_EQ(pings_, 1U);
  EXPECT_EQ(tracker_.outstanding(), 0U);
  EXPECT_TRUE(faults_.none()) << faults_.first;
  EXPECT_FALSE(take(binary_frame("-ERR 'Slow Consumer'\r\n")));
  EXPECT_NE(faults_.first.find("Slow Consumer"), std::string::npos);
}

TEST_F(SubscriberTest, SpeaksMqttAcrossFramesByteByByte) {
  use(Dialect::kMqtt);
  publish(2);
  ASSERT_TRUE(take(head_for("mqtt")));
  EXPECT_EQ(said().substr(0, 1), "\x10");
  ASSERT_TRUE(take(binary_frame(std::string_view("\x20\x02\x00\x00", 4))));
  EXPECT_EQ(said(), mqtt_subscribe("bench"));
  std::string stream("\x90\x03\x00\x01\x00", 5);
  for (const std::uint64_t sequence : {1U, 2U}) {
    append_mqtt_publish(stream, "bench", make_payload(sequence, 20));
  }
  for (const char byte : stream) {
    ASSERT_TRUE(take(binary_frame(std::string_view(&byte, 1))));
  }
  EXPECT_EQ(subscriber_.state(), Subscriber::State::kLive);
  EXPECT_EQ(tracker_.outstanding(), 0U);
  EXPECT_TRUE(faults_.none()) << faults_.first;
}

TEST_F(SubscriberTest, RefusesWhatAnMqttBrokerRefuses) {
  use(Dialect::kMqtt);
  ASSERT_TRUE(take(head_for("mqtt")));
  EXPECT_FALSE(take(binary_frame(std::string_view("\x20\x02\x00\x05", 4))));
  subscriber_ = Subscriber(0);
  ASSERT_TRUE(take(head_for("mqtt")));
  EXPECT_FALSE(take(binary_frame(std::string_view("\x90\x03\x00\x01\x80", 5))));
}

TEST_F(SubscriberTest, CountsTheMessagesOfSeveralPublishersApart) {
  use(Dialect::kRaw);
  PublishLedger ledger(1, 2);
  context_.many = &ledger;
  const auto of = [&](std::size_t publisher, std::uint64_t count) {
    return message(PublishLedger::sequence(publisher, count));
  };
  ASSERT_TRUE(take(head() + of(0, 1) + of(1, 1) + of(1, 2) + of(0, 2)));
  EXPECT_TRUE(faults_.none()) << faults_.first;
  EXPECT_EQ(ledger.deliveries(), 4U);
  ASSERT_TRUE(take(of(0, 4) + of(0, 3) + of(0, 4) + of(1, 2)));
  EXPECT_EQ(faults_.missing, 1U);
  EXPECT_EQ(faults_.out_of_order, 1U);
  EXPECT_EQ(faults_.duplicates, 2U);
  ASSERT_TRUE(take(of(2, 1)));  // There is no third publisher.
  EXPECT_EQ(faults_.corrupt, 1U);
}

}  // namespace
}  // namespace wspush::load
