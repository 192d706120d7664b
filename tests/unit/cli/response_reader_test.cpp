#include "cli/response_reader.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

using Status = ResponseReader::Status;

const std::string kRefusal =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 54\r\n\r\n"
    R"({"error":{"code":"full","message":"the server\nfull"}})";

TEST(ResponseReader, ReadsAnAnswerHoweverItIsCut) {
  for (std::size_t cut = 0; cut <= kRefusal.size(); ++cut) {
    ResponseReader reader("POST");
    ByteView first = ByteView(kRefusal).substr(0, cut);
    Status status = reader.feed(first);
    EXPECT_TRUE(first.empty());
    if (status == Status::kNeedMore) {
      ByteView second = ByteView(kRefusal).substr(cut);
      status = reader.feed(second);
      EXPECT_TRUE(second.empty());
    }
    ASSERT_EQ(status, Status::kComplete) << cut;
    EXPECT_EQ(reader.status(), 503);
    EXPECT_EQ(reader.retry_after(), std::chrono::seconds(3));
    EXPECT_EQ(reader.describe_refusal(), "503, full: the server\nfull");
  }
}

TEST(ResponseReader, PassesOverInterimAnswers) {
  const std::string text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nrest";
  for (std::size_t cut = 0; cut <= text.size() - 4; ++cut) {
    ResponseReader reader("POST");
    ByteView first = ByteView(text).substr(0, cut);
    Status status = reader.feed(first);
    ByteView second = ByteView(text).substr(cut);
    status = status == Status::kNeedMore ? reader.feed(second) : status;
    ASSERT_EQ(status, Status::kComplete) << cut;
    EXPECT_EQ(reader.status(), 201);
    EXPECT_EQ(reader.body(), "abc");
  }
}

TEST(ResponseReader, LeavesTheBytesOfTheNewProtocol) {
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
  const std::string text = head + "\x81\x01x";
  ResponseReader reader("GET");
  ByteView input = text;
  EXPECT_EQ(reader.feed(input), Status::kUpgraded);
  EXPECT_EQ(input, "\x81\x01x");
  EXPECT_EQ(reader.head_bytes(), head);
}

TEST(ResponseReader, TellsAnAnswerThatEndsEarly) {
  ResponseReader nothing("GET");
  EXPECT_EQ(nothing.on_end(), Status::kError);
  EXPECT_EQ(nothing.error(), "the server hung up without an answer");
  for (const std::size_t cut : {std::size_t{1}, kRefusal.find("\r\n\r\n"), kRefusal.size() - 1}) {
    ResponseReader reader("GET");
    ByteView input = ByteView(kRefusal).substr(0, cut);
    ASSERT_EQ(reader.feed(input), Status::kNeedMore);
    EXPECT_EQ(reader.on_end(), Status::kError) << cut;
    EXPECT_EQ(reader.error(), "the server hung up in the middle of its answer");
  }
}

TEST(ResponseReader, TakesABodyThatEndsWithTheConnection) {
  ResponseReader reader("GET");
  ByteView input = "HTTP/1.0 200 OK\r\n\r\nabc";
  EXPECT_EQ(reader.feed(input), Status::kNeedMore);
  EXPECT_EQ(reader.on_end(), Status::kComplete);
  EXPECT_EQ(reader.body(), "abc");
}

TEST(ResponseReader, RefusesWhatIsNoHttpAndWhatIsTooLong) {
  ResponseReader garbage("GET");
  ByteView input = "SSH-2.0-OpenSSH\r\n";
  EXPECT_EQ(garbage.feed(input), Status::kError);
  for (const std::size_t over : {std::size_t{0}, std::size_t{1}}) {
    ResponseReader reader("GET");
    const std::string text =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kResponseBodyBytesMax + over) +
        "\r\n\r\n" + std::string(kResponseBodyBytesMax + over, 'x');
    ByteView bytes = text;
    EXPECT_EQ(reader.feed(bytes), over == 0 ? Status::kComplete : Status::kError);
  }
}

TEST(ResponseReader, DescribesARefusalWithoutABody) {
  ResponseReader reader("GET");
  ByteView input = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\noops";
  ASSERT_EQ(reader.feed(input), Status::kComplete);
  EXPECT_EQ(reader.describe_refusal(), "404");
  EXPECT_FALSE(reader.retry_after());
}

}  // namespace
}  // namespace wspush::cli
