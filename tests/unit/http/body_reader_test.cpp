#include "http/body_reader.hpp"

#include <string>

#include <gtest/gtest.h>

#include "unit/http/parsed_head.hpp"

namespace wspush::http {
namespace {

/// Payload, what it was told at the end, and what was left of the input.
std::string read(BodyReader& reader, std::string_view input, std::size_t piece_bytes) {
  std::string payload;
  while (true) {
    const std::string_view piece = input.substr(0, piece_bytes);
    const BodyStep step = reader.next(piece);
    input.remove_prefix(step.consumed);
    payload += step.piece;
    EXPECT_EQ(reader.payload_bytes(), payload.size());
    switch (step.status) {
      case BodyStatus::kEnd:
        return payload + "|end|" + std::string(input);
      case BodyStatus::kError:
        return payload + "|error|" + std::string(reader.error().message);
      case BodyStatus::kNeedMore:
        EXPECT_TRUE(step.consumed == piece.size());
        if (input.empty()) {
          return payload + "|more|";
        }
        break;
      case BodyStatus::kPiece:
        break;
    }
  }
}

BodyReader of_request(const std::string& headers) {
  ParsedHead head("POST / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n");
  EXPECT_TRUE(head.is_complete());
  return BodyReader::for_request(*head);
}

BodyReader of_response(const std::string& head, std::string_view method = "GET") {
  ResponseHeadParser parser;
  EXPECT_EQ(parser.parse(head), HeadStatus::kComplete);
  return BodyReader::for_response(parser.head(), method);
}

TEST(BodyReader, EndsAtOnceWithoutABody) {
  BodyReader none;
  EXPECT_EQ(read(none, "next", 4), "|end|next");
  BodyReader request = of_request("");
  EXPECT_EQ(read(request, "", 1), "|end|");
  BodyReader empty = of_request("Content-Length: 0\r\n");
  EXPECT_EQ(read(empty, "next", 4), "|end|next");
}

TEST(BodyReader, ReadsAsManyBytesAsAnnounced) {
  for (std::size_t bytes = 1; bytes <= 10; ++bytes) {
    BodyReader reader = of_request("Content-Length: 5\r\n");
    EXPECT_EQ(read(reader, "helloGET /", bytes), "hello|end|GET /") << bytes;
    EXPECT_TRUE(reader.may_end_with_connection());
  }
  BodyReader cut = of_request("Content-Length: 5\r\n");
  EXPECT_EQ(read(cut, "hell", 4), "hell|more|");
  EXPECT_FALSE(cut.may_end_with_connection());
}

TEST(BodyReader, ReadsChunks) {
  for (std::size_t bytes = 1; bytes <= 10; ++bytes) {
    BodyReader reader = of_request("Transfer-Encoding: chunked\r\n");
    EXPECT_EQ(read(reader, "5\r\nhello\r\n0\r\n\r\nGET /", bytes), "hello|end|GET /") << bytes;
    EXPECT_TRUE(reader.may_end_with_connection());
  }
  BodyReader cut = of_request("Transfer-Encoding: chunked\r\n");
  EXPECT_EQ(read(cut, "5\r\nhello\r\n", 100), "hello|more|");
  EXPECT_FALSE(cut.may_end_with_connection());
  BodyReader bad = of_request("Transfer-Encoding: chunked\r\n");
  EXPECT_EQ(read(bad, "5\r\nhello0", 100), "hello|error|a chunk does not end in CRLF");
}

TEST(BodyReader, ReadsAResponseToTheEndOfTheConnection) {
  BodyReader reader = of_response("HTTP/1.0 200 OK\r\n\r\n");
  EXPECT_EQ(read(reader, "all of it", 2), "all of it|more|");
  EXPECT_TRUE(reader.may_end_with_connection());
}

TEST(BodyReader, KnowsResponsesWithoutABody) {
  for (const char* status : {"101 S", "100 C", "204 N", "304 N"}) {
    BodyReader reader = of_response("HTTP/1.1 " + std::string(status) + "\r\n\r\n");
    EXPECT_EQ(read(reader, "x", 1), "|end|x") << status;
  }
  BodyReader head = of_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD");
  EXPECT_EQ(read(head, "x", 1), "|end|x");
  BodyReader get = of_response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
  EXPECT_EQ(read(get, "xy", 2), "x|end|y");
  BodyReader chunked = of_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(read(chunked, "1\r\nx\r\n0\r\n\r\ny", 20), "x|end|y");
}

}  // namespace
}  // namespace wspush::http
