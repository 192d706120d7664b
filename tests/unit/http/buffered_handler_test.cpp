#include "http/buffered_handler.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/http/parsed_head.hpp"

namespace wspush::http {
namespace {

class FakeExchange final : public Exchange {
 public:
  explicit FakeExchange(const std::string& headers)
      : head_("POST /x HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n") {
    EXPECT_TRUE(head_.is_complete());
  }

  const RequestHead& head() const override { return *head_; }
  const RequestTarget& target() const override { return target_; }
  std::string peer_address() const override { return "127.0.0.1"; }
  bool peer_is_loopback() const override { return true; }
  std::uint32_t ticket() const override { return 7; }
  void respond(Response response) override { responses.push_back(std::move(response)); }

  std::vector<Response> responses;

 private:
  ParsedHead head_;
  RequestTarget target_;
};

class EchoHandler final : public BufferedHandler {
 public:
  using BufferedHandler::BufferedHandler;
  using BufferedHandler::refuse;

  int requests = 0;

 private:
  void on_request(Exchange& exchange, std::string&& body) override {
    ++requests;
    Response response;
    response.body = std::move(body);
    exchange.respond(std::move(response));
  }
};

TEST(BufferedHandler, HandsOverTheWholeBody) {
  FakeExchange exchange("Transfer-Encoding: chunked\r\n");
  EchoHandler handler(8);
  handler.on_head(exchange);
  handler.on_body(exchange, "abc");
  handler.on_body(exchange, "defgh");
  EXPECT_TRUE(exchange.responses.empty());
  handler.on_body_end(exchange);
  ASSERT_EQ(exchange.responses.size(), 1U);
  EXPECT_EQ(exchange.responses[0].body, "abcdefgh");
}

TEST(BufferedHandler, RefusesAnAnnouncedLengthAboveItsBoundAtOnce) {
  FakeExchange at_bound("Content-Length: 8\r\n");
  EchoHandler handler(8);
  handler.on_head(at_bound);
  EXPECT_TRUE(at_bound.responses.empty());

  FakeExchange above("Content-Length: 9\r\n");
  EchoHandler other(8);
  other.on_head(above);
  ASSERT_EQ(above.responses.size(), 1U);
  EXPECT_EQ(above.responses[0].status, 413);
  EXPECT_TRUE(above.responses[0].close);
  EXPECT_EQ(above.responses[0].body,
            R"({"error":{"code":"too_large","message":"the body is too large"}})");
}

TEST(BufferedHandler, RefusesTheFirstByteTooManyOnce) {
  FakeExchange exchange("Transfer-Encoding: chunked\r\n");
  EchoHandler handler(8);
  handler.on_head(exchange);
  handler.on_body(exchange, "abcdefgh");
  EXPECT_TRUE(exchange.responses.empty());
  handler.on_body(exchange, "i");
  handler.on_body(exchange, "jklmnopqrstuvw");
  handler.on_body_end(exchange);
  ASSERT_EQ(exchange.responses.size(), 1U);
  EXPECT_EQ(exchange.responses[0].status, 413);
  EXPECT_EQ(handler.requests, 0);
}

TEST(BufferedHandler, HasNothingMoreToSayOnceItRefused) {
  FakeExchange exchange("Content-Length: 3\r\n");
  EchoHandler handler(8);
  handler.refuse(exchange, error_response(401, "", "no"));
  handler.on_body(exchange, "abc");
  handler.on_body_end(exchange);
  ASSERT_EQ(exchange.responses.size(), 1U);
  EXPECT_EQ(exchange.responses[0].status, 401);
}

}  // namespace
}  // namespace wspush::http
