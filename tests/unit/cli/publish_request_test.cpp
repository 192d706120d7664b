#include "cli/publish_request.hpp"

#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

Options options_of(const char* api) {
  Options options;
  options.api = *parse_endpoint(api, Listener::kInternal);
  return options;
}

TEST(PublishRequest, GuessesWhatAPayloadIs) {
  const auto guess = [](ByteView payload) { return content_type_of(payload, PayloadType::kGuess); };
  EXPECT_EQ(guess("{\"a\":1}"), "application/json");
  EXPECT_EQ(guess(" 5\n"), "application/json");
  EXPECT_EQ(guess("hello world"), "text/plain; charset=utf-8");
  EXPECT_EQ(guess("{broken"), "text/plain; charset=utf-8");
  EXPECT_EQ(guess(""), "text/plain; charset=utf-8");
  EXPECT_EQ(guess("\xff\x01"), "application/octet-stream");
}

TEST(PublishRequest, TakesTheUsersWordForIt) {
  EXPECT_EQ(content_type_of("1", PayloadType::kText), "text/plain; charset=utf-8");
  EXPECT_EQ(content_type_of("x", PayloadType::kJson), "application/json");
  EXPECT_EQ(content_type_of("1", PayloadType::kBinary), "application/octet-stream");
}

TEST(PublishRequest, HasAHeadForOneMessage) {
  Options options = options_of("http://h:1/p/");
  options.publish.topic = "größe/ä?";
  EXPECT_EQ(encode_publish_head(options, "text/plain", 12),
            "POST /p/api/topics/gr%C3%B6%C3%9Fe%2F%C3%A4%3F/messages HTTP/1.1\r\n"
            "Host: h:1\r\nUser-Agent: wspush\r\nConnection: close\r\nContent-Type: text/plain\r\n"
            "Content-Length: 12\r\n\r\n");
}

TEST(PublishRequest, CarriesKeys) {
  Options options = options_of("http://h");
  options.api_key = "sesame";
  options.publish = {.topic = "t", .data = {}, .message_key = "AAPL", .idempotency_key = "i 1"};
  EXPECT_EQ(encode_publish_head(options, "x/y", 0),
            "POST /api/topics/t/messages HTTP/1.1\r\nHost: h\r\nUser-Agent: wspush\r\n"
            "Connection: close\r\nContent-Type: x/y\r\nAuthorization: Bearer sesame\r\n"
            "Content-Length: 0\r\nWspush-Key: AAPL\r\nIdempotency-Key: i 1\r\n\r\n");
}

TEST(PublishRequest, HasAHeadForAStream) {
  EXPECT_EQ(encode_stream_head(options_of("http://h:81")),
            "POST /api/messages HTTP/1.1\r\nHost: h:81\r\nUser-Agent: wspush\r\n"
            "Connection: close\r\nContent-Type: application/x-ndjson\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
}

}  // namespace
}  // namespace wspush::cli
