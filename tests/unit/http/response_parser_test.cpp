#include "http/response_parser.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "unit/http/parsed_head.hpp"

namespace wspush::http {
namespace {

std::string describe_response(const ResponseHeadParser& parser) {
  const ResponseHead& head = parser.head();
  std::ostringstream out;
  out << "complete after " << parser.head_bytes() << ": " << head.status << "|" << head.reason
      << "|" << (head.version == Version::kHttp11 ? "1.1" : "1.0") << "|"
      << (head.content_length ? std::to_string(*head.content_length) : "-") << "|"
      << head.is_chunked << head.keep_alive;
  for (std::size_t index = 0; index < head.headers.size(); ++index) {
    out << "|" << head.headers[index].name << "=" << head.headers[index].value;
  }
  return out.str();
}

std::string outcome(std::string_view text, std::size_t first, std::size_t others,
                    const HeadLimits& limits = {}) {
  ResponseHeadParser parser(limits);
  return outcome_in_pieces(
      parser, text, [&](std::size_t bytes) { return bytes == 0 ? first : others; },
      describe_response);
}

std::string outcome(std::string_view text) {
  return outcome(text, text.size(), text.size());
}

TEST(ResponseHeadParser, ReadsTheStatusLineAndTheHeadersAtEverySplit) {
  constexpr std::string_view kText =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81";
  const std::string wanted =
      "complete after 77: 101|Switching Protocols|1.1|-|01|Upgrade=websocket|Connection=Upgrade";
  EXPECT_EQ(outcome(kText), wanted);
  for (std::size_t split = 1; split < kText.size(); ++split) {
    ASSERT_EQ(outcome(kText, split, kText.size()), wanted) << split;
  }
  EXPECT_EQ(outcome(kText, 1, 1), wanted);
}

TEST(ResponseHeadParser, TakesAReasonThatIsEmptyOrMissing) {
  EXPECT_EQ(outcome("HTTP/1.1 200 \r\n\r\n"), "complete after 17: 200||1.1|-|01");
  EXPECT_EQ(outcome("HTTP/1.0 200\r\n\r\n"), "complete after 16: 200||1.0|-|00");
  EXPECT_EQ(outcome("HTTP/1.1 999 \xe9 x\tz\r\n\r\n"), "complete after 22: 999|\xe9 x\tz|1.1|-|01");
}

TEST(ResponseHeadParser, ReadsTheFraming) {
  EXPECT_EQ(outcome("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"),
            "complete after 57: 200|OK|1.1|7|00|Content-Length=7|Connection=close");
  EXPECT_EQ(outcome("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "complete after 47: 200|OK|1.1|-|11|Transfer-Encoding=chunked");
}

TEST(ResponseHeadParser, RefusesMalformedHeads) {
  for (const char* text :
       {"HTTP/1.2 200 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 200 O\x01\r\n\r\n",
        "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\rX", "HTTP/1.1 200 OK\r\n X: y\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"}) {
    const std::string whole = outcome(text);
    EXPECT_TRUE(whole.starts_with("error")) << text << whole;
    EXPECT_EQ(outcome(text, 1, 1), whole) << text;
  }
}

TEST(ResponseHeadParser, BoundsTheHeadAndLooksAtEachByteOnce) {
  const auto of_size = [](std::size_t bytes) {
    return "HTTP/1.1 200 OK\r\nX: " + std::string(bytes - 24, 'a') + "\r\n\r\n";
  };
  const HeadLimits limits{.head_bytes = 300};
  EXPECT_TRUE(outcome(of_size(300), 1, 1, limits).starts_with("complete after 300"));
  EXPECT_TRUE(outcome(of_size(301), 1, 1, limits).starts_with("error"));
  const std::string text = of_size(16384);
  ResponseHeadParser parser;
  for (std::size_t bytes = 1; bytes <= text.size(); ++bytes) {
    parser.parse(std::string_view(text).substr(0, bytes));
  }
  EXPECT_EQ(parser.parse(text), HeadStatus::kComplete);
  EXPECT_EQ(parser.bytes_examined(), text.size());
}

TEST(ResponseHeadParser, ReadsTheFinalHeadAfterAnInterimOne) {
  std::string input = "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
  ResponseHeadParser parser;
  ASSERT_EQ(parser.parse(input), HeadStatus::kComplete);
  EXPECT_EQ(parser.head().status, 100);
  input.erase(0, parser.head_bytes());
  parser.reset();
  ASSERT_EQ(parser.parse(input), HeadStatus::kComplete);
  EXPECT_EQ(describe_response(parser), "complete after 27: 204|No Content|1.1|-|01");
}

}  // namespace
}  // namespace wspush::http
