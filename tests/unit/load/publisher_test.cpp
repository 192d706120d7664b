#include "publisher.hpp"

#include <string>

#include <gtest/gtest.h>

#include "payload.hpp"
#include "wire.hpp"

namespace wspush::load {
namespace {

class PublisherTest : public ::testing::Test {
 protected:
  PublisherTest() {
    options_.server = *parse_address("127.0.0.1:80");
    options_.api = *parse_address("127.0.0.1:81");
    options_.payload_bytes = 16;
  }

  Options options_;
  std::string out_;
  std::string reply_;
  std::string why_;
};

TEST_F(PublisherTest, SendsMaskedFramesAndCountsItsOwnMessagesAsEchoes) {
  const auto publisher = make_websocket_publisher(options_);
  EXPECT_FALSE(publisher->is_ready());
  ASSERT_TRUE(publisher->take("HTTP/1.1 101 Switching Protocols\r\n\r\n", reply_, why_));
  EXPECT_TRUE(publisher->is_ready());
  publisher->append(out_, 1, 2);
  EXPECT_EQ(publisher->owed(), 2U);
  std::string_view left = out_;
  std::string back;
  for (std::uint64_t sequence = 1; sequence <= 2; ++sequence) {
    FrameView frame;
    ASSERT_EQ(parse_frame(left, frame), FrameStatus::kWhole);
    ASSERT_TRUE(frame.is_masked);
    std::string payload(left.substr(frame.header_bytes, frame.payload_bytes));
    apply_mask(payload.data(), payload.size(), frame.masking_key);
    EXPECT_TRUE(is_intact(payload, sequence, 16));
    append_server_frame(back, kOpcodeText, payload);
    left.remove_prefix(frame.bytes());
  }
  for (const char byte : back) {
    ASSERT_TRUE(publisher->take(std::string_view(&byte, 1), reply_, why_));
  }
  EXPECT_EQ(publisher->owed(), 0U);
  EXPECT_EQ(publisher->echoes(), 2U);
}

TEST_F(PublisherTest, ExpectsNothingBackFromTheFloor) {
  options_.door = Door::kFloor;
  const auto publisher = make_websocket_publisher(options_);
  EXPECT_NE(publisher->opening().find("GET /publish "), std::string::npos);
  publisher->append(out_, 1, 5);
  EXPECT_EQ(publisher->owed(), 0U);
}

TEST_F(PublisherTest, GivesTheReasonWhenTheServerCloses) {
  const auto publisher = make_websocket_publisher(options_);
  std::string close;
  append_server_frame(close, kOpcodeClose, "\x03\xf0not allowed");
  EXPECT_FALSE(publisher->take("HTTP/1.1 101 x\r\n\r\n" + close, reply_, why_));
  EXPECT_EQ(why_, "the server closed with 1008 not allowed");
}

TEST_F(PublisherTest, PostsOneMessageAsItIs) {
  const auto publisher = make_http_publisher(options_);
  publisher->append(out_, 1, 1);
  EXPECT_EQ(out_.find("POST /api/topics/bench/messages HTTP/1.1\r\n"), 0U);
  EXPECT_NE(out_.find("\r\nContent-Length: 16\r\n\r\n" + make_payload(1, 16)), std::string::npos);
}

TEST_F(PublisherTest, PostsManyInOneRequestAndWaitsForTheAnswerAtEverySplit) {
  const auto publisher = make_http_publisher(options_);
  const std::string answer = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"results\":[]}";
  for (std::size_t cut = 0; cut < answer.size(); ++cut) {
    out_.clear();
    publisher->append(out_, 1, 2);
    ASSERT_TRUE(publisher->take(answer.substr(0, cut), reply_, why_));
    ASSERT_EQ(publisher->owed(), 1U);
    ASSERT_TRUE(publisher->take(answer.substr(cut), reply_, why_));
    ASSERT_EQ(publisher->owed(), 0U);
  }
  EXPECT_EQ(out_.find("POST /api/messages HTTP/1.1\r\n"), 0U);
  EXPECT_EQ(out_.substr(out_.find("\r\n\r\n") + 4),
            R"({"messages":[{"topic":"bench","text":")" + make_payload(1, 16) +
                R"("},{"topic":"bench","text":")" + make_payload(2, 16) + "\"}]}");
}

TEST_F(PublisherTest, FailsOnARefusalOfTheRequestOrOfOneMessageInIt) {
  const auto refused = make_http_publisher(options_);
  EXPECT_FALSE(
      refused->take("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}", reply_, why_));
  EXPECT_EQ(why_, "HTTP/1.1 403 Forbidden {}");
  const auto partly = make_http_publisher(options_);
  const std::string body = R"({"results":[{"id":"a-1"},{"error":{"code":"too_large"}}]})";
  EXPECT_FALSE(partly->take(
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
      reply_, why_));
  EXPECT_EQ(why_, "HTTP/1.1 200 OK " + body);
}

}  // namespace
}  // namespace wspush::load
