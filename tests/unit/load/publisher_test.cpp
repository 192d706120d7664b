#include "load/publisher.hpp"

#include <string>

#include <gtest/gtest.h>

#include "load/payload.hpp"
#include "load/publish_ledger.hpp"
#include "load/wire.hpp"

namespace wspush::load {
namespace {

class PublisherTest : public ::testing::Test {
 protected:
  PublisherTest() {
    options_.server.authority = "127.0.0.1:80";
    options_.api.emplace();
    options_.api->authority = "127.0.0.1:81";
    options_.payload_bytes = 16;
  }

  /// The server's answer to what publisher 0 opens with.
  static std::string head(const std::string& more = "") {
    return "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: " + accept_for(key_from(0x7075626c00000000)) +
           "\r\n" + more + "\r\n";
  }
  static std::string server_frame(std::uint8_t opcode, std::string_view payload) {
    std::string frame;
    append_server_frame(frame, opcode, payload);
    return frame;
  }
  /// The payloads of the frames in `out_`, unmasked.
  std::string said() {
    std::string all;
    FrameView frame;
    std::string_view left = out_;
    while (parse_frame(left, frame) == FrameStatus::kWhole) {
      std::string payload(left.substr(frame.header_bytes, frame.payload_bytes));
      apply_mask(payload.data(), payload.size(), frame.masking_key);
      all += payload;
      left.remove_prefix(frame.bytes());
    }
    out_.clear();
    return all;
  }

  Options options_;
  std::string out_;
  std::string reply_;
  std::string why_;
};

TEST_F(PublisherTest, SendsMaskedFramesAndCountsItsOwnMessagesAsEchoes) {
  const auto publisher = make_websocket_publisher(options_, 0);
  EXPECT_FALSE(publisher->is_ready());
  ASSERT_TRUE(publisher->take(head(), reply_, why_));
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
  options_.dialect = Dialect::kFloor;
  const auto publisher = make_websocket_publisher(options_, 0);
  EXPECT_NE(publisher->opening().find("GET /publish "), std::string::npos);
  publisher->append(out_, 1, 5);
  EXPECT_EQ(publisher->owed(), 0U);
}

TEST_F(PublisherTest, GivesTheReasonWhenTheServerCloses) {
  const auto publisher = make_websocket_publisher(options_, 0);
  std::string close;
  append_server_frame(close, kOpcodeClose, "\x03\xf0not allowed");
  EXPECT_FALSE(publisher->take(head() + close, reply_, why_));
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

TEST_F(PublisherTest, CountsARefusalOfTheRequestOrOfOneMessageInIt) {
  const auto refused = make_http_publisher(options_);
  EXPECT_TRUE(refused->take("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}", reply_, why_));
  EXPECT_EQ(refused->errors(), 1U);
  EXPECT_EQ(refused->first_error(), "HTTP/1.1 403 Forbidden {}");
  const auto partly = make_http_publisher(options_);
  const std::string body = R"({"results":[{"id":"a-1"},{"error":{"code":"too_large"}}]})";
  EXPECT_TRUE(partly->take(
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
      reply_, why_));
  EXPECT_EQ(partly->errors(), 1U);
  EXPECT_EQ(partly->first_error(), "HTTP/1.1 200 OK " + body);
}

TEST_F(PublisherTest, FailsOnAnAnswerWithoutALength) {
  const auto publisher = make_http_publisher(options_);
  EXPECT_FALSE(publisher->take("HTTP/1.1 200 OK\r\n\r\n", reply_, why_));
}

TEST_F(PublisherTest, PostsEachAloneWherePublishingIsMeasured) {
  options_.scenario = Scenario::kPublish;
  options_.api_key = "k";
  const auto publisher = make_http_publisher(options_);
  publisher->append(out_, 1, 3);
  EXPECT_EQ(publisher->owed(), 3U);
  EXPECT_NE(out_.find("Authorization: Bearer k\r\n"), std::string::npos);
  const std::string answer = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
  ASSERT_TRUE(publisher->take(answer + answer + answer.substr(0, 5), reply_, why_));
  EXPECT_EQ(publisher->owed(), 1U);
}

TEST_F(PublisherTest, SendsRandomBytesAsWhatTheyAre) {
  options_.payload_kind = PayloadKind::kRandom;
  const auto http = make_http_publisher(options_);
  http->append(out_, 1, 1);
  EXPECT_NE(out_.find("Content-Type: application/octet-stream\r\n"), std::string::npos);
  out_.clear();
  http->append(out_, 1, 2);
  EXPECT_NE(out_.find("\"base64\":\"" + base64_of(make_payload(2, 16, PayloadKind::kRandom))),
            std::string::npos);
  out_.clear();
  const auto socket = make_websocket_publisher(options_, 0);
  socket->append(out_, 1, 1);
  FrameView frame;
  ASSERT_EQ(parse_frame(out_, frame), FrameStatus::kWhole);
  EXPECT_EQ(frame.opcode, kOpcodeBinary);
}

TEST_F(PublisherTest, StreamsLinesInChunksAndTakesTheCountAtTheEnd) {
  const auto publisher = make_ndjson_publisher(options_);
  publisher->append(out_, 1, 2);
  publisher->append(out_, 3, 1);
  publisher->append_end(out_);
  const std::string line = R"({"topic":"bench","text":")" + make_payload(1, 16) + "\"}\n";
  EXPECT_EQ(out_.find("POST /api/messages HTTP/1.1\r\n"), 0U);
  EXPECT_NE(out_.find("Transfer-Encoding: chunked\r\n\r\n58\r\n" + line), std::string::npos)
      << out_;
  EXPECT_EQ(out_.substr(out_.size() - 7), "\r\n0\r\n\r\n");
  EXPECT_EQ(publisher->owed(), 3U);
  const std::string body = R"({"published":2,"failed":1,"errors":[]})";
  ASSERT_TRUE(publisher->take(
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
      reply_, why_));
  EXPECT_EQ(publisher->owed(), 0U);
  EXPECT_EQ(publisher->errors(), 1U);
}

TEST_F(PublisherTest, FailsWhenAStreamOfLinesIsAnsweredBeforeItsEnd) {
  const auto publisher = make_ndjson_publisher(options_);
  publisher->append(out_, 1, 1);
  EXPECT_FALSE(
      publisher->take("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}", reply_, why_));
  EXPECT_EQ(why_, "HTTP/1.1 413 Too Large {}");
}

TEST_F(PublisherTest, SaysCommandsOfV1AndCountsTheirAnswers) {
  options_.scenario = Scenario::kPublish;
  options_.dialect = Dialect::kWspushV1;
  const auto publisher = make_websocket_publisher(options_, 0);
  EXPECT_NE(publisher->opening().find("GET /ws "), std::string::npos);
  ASSERT_TRUE(publisher->take(head("Sec-WebSocket-Protocol: wspush.v1\r\n"), reply_, why_));
  publisher->append(out_, 1, 2);
  EXPECT_EQ(said(), R"({"op":"publish","id":1,"topic":"bench","data":")" + make_payload(1, 16) +
                        R"("}{"op":"publish","id":1,"topic":"bench","data":")" +
                        make_payload(2, 16) + "\"}");
  ASSERT_TRUE(publisher->take(server_frame(kOpcodeText, R"({"op":"welcome"})") +
                                  server_frame(kOpcodeText, R"({"op":"published","id":1})"),
                              reply_, why_));
  EXPECT_EQ(publisher->owed(), 1U);
  ASSERT_TRUE(publisher->take(
      server_frame(kOpcodeText, R"({"op":"error","id":1,"code":"rate_limited"})"), reply_, why_));
  EXPECT_EQ(publisher->owed(), 0U);
  EXPECT_EQ(publisher->errors(), 1U);
}

TEST_F(PublisherTest, AsksV1ForAPongBehindEachBatchWhereItWantsNoAnswers) {
  options_.scenario = Scenario::kPublish;
  options_.dialect = Dialect::kWspushV1;
  options_.publish_by = PublishBy::kUnanswered;
  const auto publisher = make_publisher_protocol(options_, 0);
  ASSERT_TRUE(publisher->take(head("Sec-WebSocket-Protocol: wspush.v1\r\n"), reply_, why_));
  publisher->append(out_, 1, 2);
  publisher->append(out_, 3, 1);
  const auto command = [](std::uint64_t sequence) {
    return R"({"op":"publish","topic":"bench","data":")" + make_payload(sequence, 16) + "\"}";
  };
  const std::string ping = R"({"op":"ping","id":1})";
  EXPECT_EQ(said(), command(1) + command(2) + ping + command(3) + ping);
  EXPECT_EQ(publisher->owed(), 3U);
  ASSERT_TRUE(publisher->take(server_frame(kOpcodeText, R"({"op":"error","code":"rate_limited"})"),
                              reply_, why_));
  EXPECT_EQ(publisher->owed(), 3U);
  EXPECT_EQ(publisher->errors(), 1U);
  const std::string pong = server_frame(kOpcodeText, R"({"op":"pong","id":1})");
  ASSERT_TRUE(publisher->take(pong, reply_, why_));
  EXPECT_EQ(publisher->owed(), 1U);
  ASSERT_TRUE(publisher->take(pong, reply_, why_));
  EXPECT_EQ(publisher->owed(), 0U);
}

TEST_F(PublisherTest, KnowsItsOwnMessagesAmongThoseOfOthers) {
  const auto publisher = make_websocket_publisher(options_, 0);
  ASSERT_TRUE(publisher->take(head(), reply_, why_));
  publisher->append(out_, 1, 1);
  ASSERT_TRUE(publisher->take(
      server_frame(kOpcodeText, make_payload(PublishLedger::sequence(1, 1), 16)), reply_, why_));
  EXPECT_EQ(publisher->owed(), 1U);
  ASSERT_TRUE(publisher->take(server_frame(kOpcodeText, make_payload(1, 16)), reply_, why_));
  EXPECT_EQ(publisher->owed(), 0U);
  EXPECT_EQ(publisher->echoes(), 2U);
}

TEST_F(PublisherTest, TakesATextOfNchanForAnAnswer) {
  options_.dialect = Dialect::kNchan;
  const auto publisher = make_websocket_publisher(options_, 0);
  EXPECT_NE(publisher->opening().find("GET /pub/bench "), std::string::npos);
  ASSERT_TRUE(publisher->take(head(), reply_, why_));
  publisher->append(out_, 1, 1);
  EXPECT_EQ(publisher->owed(), 1U);
  ASSERT_TRUE(publisher->take(server_frame(kOpcodeText, "queued messages: 1\r\n"), reply_, why_));
  EXPECT_EQ(publisher->owed(), 0U);
  EXPECT_EQ(publisher->echoes(), 0U);
}

TEST_F(PublisherTest, AsksNatsForAPongBehindEachBatch) {
  options_.dialect = Dialect::kNats;
  const auto publisher = make_stream_publisher(options_, 0);
  ASSERT_TRUE(publisher->take(head() + server_frame(kOpcodeBinary, "INFO {}\r\n"), reply_, why_));
  EXPECT_FALSE(publisher->is_ready());
  ASSERT_TRUE(publisher->take(server_frame(kOpcodeBinary, "PONG\r\n"), reply_, why_));
  EXPECT_TRUE(publisher->is_ready());
  publisher->append(out_, 1, 2);
  publisher->append(out_, 3, 1);
  EXPECT_EQ(publisher->owed(), 3U);
  EXPECT_EQ(said(), "PUB bench 16\r\n" + make_payload(1, 16) + "\r\nPUB bench 16\r\n" +
                        make_payload(2, 16) + "\r\nPING\r\nPUB bench 16\r\n" + make_payload(3, 16) +
                        "\r\nPING\r\n");
  ASSERT_TRUE(publisher->take(server_frame(kOpcodeBinary, "PO"), reply_, why_));
  ASSERT_TRUE(publisher->take(server_frame(kOpcodeBinary, "NG\r\n"), reply_, why_));
  EXPECT_EQ(publisher->owed(), 1U);
  EXPECT_FALSE(publisher->take(server_frame(kOpcodeBinary, "-ERR 'no'\r\n"), reply_, why_));
  EXPECT_EQ(why_, "NATS: -ERR 'no'");
}

TEST_F(PublisherTest, AsksMqttForAPingrespBehindEachBatch) {
  options_.dialect = Dialect::kMqtt;
  const auto publisher = make_stream_publisher(options_, 0);
  ASSERT_TRUE(publisher->take(head("Sec-WebSocket-Protocol: mqtt\r\n"), reply_, why_));
  ASSERT_TRUE(publisher->take(server_frame(kOpcodeBinary, std::string_view("\x20\x02\x00\x00", 4)),
                              reply_, why_));
  EXPECT_TRUE(publisher->is_ready());
  publisher->append(out_, 1, 2);
  EXPECT_EQ(publisher->owed(), 2U);
  ASSERT_TRUE(
      publisher->take(server_frame(kOpcodeBinary, std::string_view("\xD0\x00", 2)), reply_, why_));
  EXPECT_EQ(publisher->owed(), 0U);
  EXPECT_FALSE(publisher->take(server_frame(kOpcodeBinary, std::string_view("\x20\x02\x00\x05", 4)),
                               reply_, why_));
}

}  // namespace
}  // namespace wspush::load
