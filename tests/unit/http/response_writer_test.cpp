#include "http/response_writer.hpp"

#include <string>

#include <gtest/gtest.h>

#include "http/body_reader.hpp"
#include "http/response_parser.hpp"

namespace wspush::http {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

std::string written(const Response& response, const ResponseContext& context = {}) {
  std::string out;
  EXPECT_TRUE(append_response(out, response, context));
  return out;
}

TEST(ResponseWriter, WritesTheHeadersInAFixedOrder) {
  Response response;
  response.status = 201;
  response.content_type = "application/json";
  response.body = "{}";
  response.headers = {{"X-B", "2"}, {"X-A", "1"}};
  EXPECT_EQ(written(response, {.date = kDate}),
            "HTTP/1.1 201 Created\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Connection: keep-alive\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            "X-B: 2\r\nX-A: 1\r\n\r\n{}");
}

TEST(ResponseWriter, ClosesWhereEitherSideWantsIt) {
  Response response;
  EXPECT_NE(written(response).find("Connection: keep-alive\r\n"), std::string::npos);
  EXPECT_NE(written(response, {.keep_alive = false}).find("Connection: close\r\n"),
            std::string::npos);
  response.close = true;
  EXPECT_NE(written(response).find("Connection: close\r\n"), std::string::npos);
}

TEST(ResponseWriter, AnswersHeadWithTheHeadersOfGet) {
  Response response;
  response.body = "hello";
  EXPECT_EQ(written(response, {.is_head_request = true}),
            "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n");
}

TEST(ResponseWriter, GivesSomeStatusesNoBody) {
  for (const int status : {204, 304}) {
    Response response;
    response.status = status;
    response.content_type = "text/plain";
    response.body = "never";
    const std::string text = written(response);
    EXPECT_EQ(text.find("Content-"), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("\r\n\r\n")) << text;
  }
}

TEST(ResponseWriter, WritesAnUpgrade) {
  Response response;
  response.status = 101;
  response.headers = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", "x="}};
  EXPECT_EQ(written(response),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Accept: x=\r\n\r\n");
}

TEST(ResponseWriter, LeavesOutHeadersThatWouldBreakTheHead) {
  const std::string clean = written(Response{});
  for (const auto& [name, value] :
       std::initializer_list<std::pair<std::string, std::string>>{{"X", "a\r\nSet-Cookie: b"},
                                                                  {"X", "a\n"},
                                                                  {"X", "a\r"},
                                                                  {"X", std::string("a\0b", 3)},
                                                                  {"X", "a\x7f"},
                                                                  {"X\r\nY", "a"},
                                                                  {"X Y", "a"},
                                                                  {"X:", "a"},
                                                                  {"", "a"},
                                                                  {"content-length", "7"},
                                                                  {"Transfer-Encoding", "chunked"},
                                                                  {"Connection", "close"},
                                                                  {"CONTENT-TYPE", "a/b"},
                                                                  {"date", "now"}}) {
    Response response;
    response.headers = {{name, value}};
    std::string out;
    EXPECT_FALSE(append_response(out, response, {})) << name << value;
    EXPECT_EQ(out, clean) << name << value;
  }
  Response response;
  response.content_type = "text/plain\r\nX: y";
  std::string out;
  EXPECT_FALSE(append_response(out, response, {}));
  EXPECT_EQ(out, clean);
}

TEST(ResponseWriter, WritesStreamsInChunksOrUntilTheEnd) {
  Response response;
  response.content_type = "text/event-stream";
  std::string chunked;
  EXPECT_TRUE(append_stream_head(chunked, response, {}));
  EXPECT_EQ(chunked,
            "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Type: text/event-stream\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
  std::string old;
  EXPECT_TRUE(append_stream_head(old, response, {.version = Version::kHttp10}));
  EXPECT_EQ(old, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\n");
}

TEST(ResponseWriter, WritesChunks) {
  std::string out;
  append_chunk(out, "");
  EXPECT_EQ(out, "");
  append_chunk(out, std::string(26, 'x'));
  append_last_chunk(out);
  EXPECT_EQ(out, "1a\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n");
}

TEST(ResponseWriter, IsUnderstoodByTheParser) {
  Response response = error_response(404, "", "no such path");
  response.headers = {{"Retry-After", "3"}};
  const std::string text = written(response, {.keep_alive = false, .date = kDate});
  ResponseHeadParser parser;
  ASSERT_EQ(parser.parse(text), HeadStatus::kComplete);
  EXPECT_EQ(parser.head().status, 404);
  EXPECT_EQ(parser.head().headers.find("retry-after"), "3");
  EXPECT_FALSE(parser.head().keep_alive);
  BodyReader body = BodyReader::for_response(parser.head(), "GET");
  const BodyStep step = body.next(std::string_view(text).substr(parser.head_bytes()));
  EXPECT_EQ(step.piece, response.body);
  EXPECT_EQ(body.next({}).status, BodyStatus::kEnd);
}

TEST(Response, HasAnErrorBodyOfOneLine) {
  EXPECT_EQ(error_body("not_found", "no such path"),
            R"({"error":{"code":"not_found","message":"no such path"}})");
  EXPECT_EQ(error_body("a\"b", "c\\d\n\x01\x1f\x7f"),
            "{\"error\":{\"code\":\"a\\\"b\",\"message\":\"c\\\\d\\u000a\\u0001\\u001f\x7f\"}}");
  EXPECT_EQ(error_body("", ""), R"({"error":{"code":"","message":""}})");
}

TEST(Response, KeepsUtf8InAnErrorBodyAndReplacesTheRest) {
  const auto message = [](std::string_view text) {
    const std::string body = error_body("c", text);
    const std::string_view prefix = R"({"error":{"code":"c","message":")";
    return body.substr(prefix.size(), body.size() - prefix.size() - 3);
  };
  const std::string bad = "\xef\xbf\xbd";
  for (const char* good : {"\xc2\x80", "caf\xc3\xa9", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(message(good), good);
  }
  EXPECT_EQ(message("a\xff"), "a" + bad);
  EXPECT_EQ(message("\xc3"), bad);
  EXPECT_EQ(message("\xc3x"), bad + "x");
  EXPECT_EQ(message("\xc0\x80"), bad + bad);
  EXPECT_EQ(message("\xe0\x9f\xbf"), bad + bad + bad);
  EXPECT_EQ(message("\xed\xa0\x80"), bad + bad + bad);
  EXPECT_EQ(message("\xf0\x8f\xbf\xbf"), bad + bad + bad + bad);
  EXPECT_EQ(message("\xf4\x90\x80\x80"), bad + bad + bad + bad);
}

TEST(Response, AnswersABrokenRequestAndCloses) {
  const Response response = error_response(describe(HttpFault::kMissingHost));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body,
            R"({"error":{"code":"bad_request","message":"the Host header is missing"}})");
  EXPECT_TRUE(response.close);
  EXPECT_FALSE(error_response(404, "", "x").close);
  EXPECT_EQ(error_response(404, "", "x").body, R"({"error":{"code":"not_found","message":"x"}})");
  EXPECT_EQ(error_response(403, "own", "x").body, R"({"error":{"code":"own","message":"x"}})");
}

}  // namespace
}  // namespace wspush::http
