#include "subscriber.hpp"

#include <string>

#include <gtest/gtest.h>

#include "payload.hpp"

namespace wspush::load {
namespace {

class SubscriberTest : public ::testing::Test {
 protected:
  void use(Door door) {
    options_.door = door;
    options_.payload_bytes = 20;
    options_.is_check = true;
    options_.server = *parse_address("127.0.0.1:80");
  }

  bool take(std::string_view bytes) { return subscriber_.take(bytes, context_, reply_); }

  static std::string head() {
    return "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + accept_for(key_from(0)) +
           "\r\n\r\n";
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
    return text_frame(options_.door == Door::kWspushV1
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
  SubscriberContext context_{options_, tracker_, faults_, inflater_};
  Subscriber subscriber_{0};
  std::string reply_;
};

TEST_F(SubscriberTest, IsContentWithEachMessageOnceAndInOrderAtEverySplit) {
  use(Door::kRaw);
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
  use(Door::kRaw);
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
  use(Door::kRaw);
  options_.is_deflated = true;
  EXPECT_FALSE(take(head()));
}

TEST_F(SubscriberTest, SubscribesOnTheV1DoorAndFollowsTheIdsByteByByte) {
  use(Door::kWspushV1);
  publish(2);
  for (const char byte :
       head() + subscribed("0000000a-7") + message(1, "0000000a-8") + message(2, "0000000a-9")) {
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
  use(Door::kRaw);
  publish(3);
  ASSERT_TRUE(take(head() + message(1) + message(3)));
  EXPECT_EQ(subscriber_.ledger().missing(3), 1U);
  EXPECT_EQ(tracker_.outstanding(), 2U);  // 3 waits behind 2
}

TEST_F(SubscriberTest, CountsADuplicateAndDeliversItOnce) {
  use(Door::kRaw);
  publish(2);
  ASSERT_TRUE(take(head() + message(1) + message(1) + message(2)));
  EXPECT_EQ(faults_.duplicates, 1U);
  EXPECT_EQ(tracker_.deliveries(), 2U);
}

TEST_F(SubscriberTest, CountsTwoThatCameInTheWrongOrder) {
  use(Door::kRaw);
  publish(2);
  ASSERT_TRUE(take(head() + message(2) + message(1)));
  EXPECT_EQ(faults_.out_of_order, 1U);
  EXPECT_EQ(subscriber_.ledger().missing(2), 0U);
}

TEST_F(SubscriberTest, CountsWhatNobodyPublishedAndAChangedByte) {
  use(Door::kRaw);
  publish(1);
  std::string changed = message(1);
  changed.back() = '!';
  ASSERT_TRUE(take(head() + message(2) + changed + text_frame("hello")));
  EXPECT_EQ(faults_.corrupt, 3U);
  EXPECT_EQ(tracker_.deliveries(), 0U);
}

TEST_F(SubscriberTest, CountsAnOffsetThatJumpsAndANewEpoch) {
  use(Door::kWspushV1);
  publish(3);
  ASSERT_TRUE(
      take(head() + subscribed("a-0") + message(1, "a-1") + message(2, "a-3") + message(3, "b-4")));
  EXPECT_EQ(faults_.offset_jumps, 2U);
}

TEST_F(SubscriberTest, CountsAGapThatItIsToldOf) {
  use(Door::kWspushV1);
  ASSERT_TRUE(take(head() + subscribed("a-0") +
                   text_frame(R"({"op":"gap","topic":"bench","after":"a-0","next":"a-5"})")));
  EXPECT_EQ(faults_.gaps, 1U);
}

TEST_F(SubscriberTest, CountsAClose4007AsAGap) {
  use(Door::kRaw);
  std::string close;
  append_server_frame(close, kOpcodeClose, "\x0f\xa7lost");
  EXPECT_FALSE(take(head() + close));
  EXPECT_EQ(faults_.gaps, 1U);
  EXPECT_NE(faults_.first.find("close 4007 lost"), std::string::npos);
}

TEST_F(SubscriberTest, AnswersAPingWithItsPayload) {
  use(Door::kRaw);
  std::string ping;
  append_server_frame(ping, kOpcodePing, "beat");
  ASSERT_TRUE(take(head() + ping));
  FrameView frame;
  ASSERT_EQ(parse_frame(reply_, frame), FrameStatus::kWhole);
  EXPECT_EQ(frame.opcode, kOpcodePong);
  EXPECT_TRUE(frame.is_masked);
  apply_mask(reply_.data() + frame.header_bytes, frame.payload_bytes, frame.masking_key);
  EXPECT_EQ(reply_.substr(frame.header_bytes), "beat");
}

TEST_F(SubscriberTest, RefusesAHandshakeThatIsNotAnswered101OrWithAnotherKey) {
  use(Door::kRaw);
  EXPECT_FALSE(take("HTTP/1.1 503 Service Unavailable\r\n\r\n{}"));
  EXPECT_NE(faults_.first.find("503"), std::string::npos);
  subscriber_ = Subscriber(1);
  EXPECT_FALSE(take(head()));  // the accept of number 0
}

TEST_F(SubscriberTest, RefusesMaskedAndFragmentedFrames) {
  use(Door::kRaw);
  std::string masked;
  append_client_frame(masked, kOpcodeText, "x", 1);
  EXPECT_FALSE(take(head() + masked));
  subscriber_ = Subscriber(0);
  EXPECT_FALSE(take(head() + std::string("\x01\x01x", 3)));
}

TEST_F(SubscriberTest, RefusesAnErrorOfTheV1Door) {
  use(Door::kWspushV1);
  EXPECT_FALSE(
      take(head() + text_frame(R"({"op":"error","id":1,"code":"forbidden","message":"no"})")));
  EXPECT_NE(faults_.first.find("forbidden"), std::string::npos);
}

}  // namespace
}  // namespace wspush::load
