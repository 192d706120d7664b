// Requests that two parties could read differently, and other malformed ones: each with the status
// that it gets, the same at every split.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "unit/http/parsed_head.hpp"

namespace wspush::http {
namespace {

using namespace std::string_view_literals;

struct Row {
  std::string_view request;
  int status;  ///< 0: it is right
};

constexpr Row kRows[] = {
    // Line ends (RFC 9112 §2.2).
    {"GET / HTTP/1.1\nHost: a\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n\n"sv, 400},
    {"GET / HTTP/1.1\r\n\n"sv, 400},
    {"\nGET / HTTP/1.0\r\n\r\n"sv, 400},
    {"GET\n/ HTTP/1.0\r\n\r\n"sv, 400},
    {"GET /\nHTTP/1.0\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\rHost: a\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n\rX"sv, 400},
    {"\rGET / HTTP/1.0\r\n\r\n"sv, 400},
    // The request line (§3).
    {" GET / HTTP/1.0\r\n\r\n"sv, 400},
    {"\tGET / HTTP/1.0\r\n\r\n"sv, 400},
    {"GET  / HTTP/1.0\r\n\r\n"sv, 400},
    {"GET /  HTTP/1.0\r\n\r\n"sv, 400},
    {"GET\t/ HTTP/1.0\r\n\r\n"sv, 400},
    {"GET /\tHTTP/1.0\r\n\r\n"sv, 400},
    {"GET / HTTP/1.0 \r\n\r\n"sv, 400},
    {"GET /a b HTTP/1.0\r\n\r\n"sv, 400},
    {"GET /\r\n\r\n"sv, 400},
    {"GET\r\n\r\n"sv, 400},
    {"GET / \r\n\r\n"sv, 400},
    {"GET  HTTP/1.0\r\n\r\n"sv, 400},
    {"G(T / HTTP/1.0\r\n\r\n"sv, 400},
    {"G\0T / HTTP/1.0\r\n\r\n"sv, 400},
    {"G\xc3\x89T / HTTP/1.0\r\n\r\n"sv, 400},
    {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, 400},
    {"PATCH / HTTP/1.0\r\n\r\n"sv, 0},
    {"get / HTTP/1.0\r\n\r\n"sv, 0},
    {"M-SEARCH / HTTP/1.0\r\n\r\n"sv, 0},
    {"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"sv, 501},
    // The version (§2.3).
    {"GET / HTTP/1.2\r\nHost: a\r\n\r\n"sv, 505},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n"sv, 505},
    {"GET / HTTP/0.9\r\nHost: a\r\n\r\n"sv, 505},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv, 505},
    {"GET / http/1.1\r\nHost: a\r\n\r\n"sv, 400},
    {"GET / HTTP/1,1\r\nHost: a\r\n\r\n"sv, 400},
    {"GET / HTTP/1.\r\nHost: a\r\n\r\n"sv, 400},
    {"GET / HTTP/1.10\r\nHost: a\r\n\r\n"sv, 400},
    {"GET / HTTP/11\r\nHost: a\r\n\r\n"sv, 400},
    {"GET / HTTPS/1.1\r\nHost: a\r\n\r\n"sv, 400},
    // The target (§3.2).
    {"GET /a#b HTTP/1.0\r\n\r\n"sv, 400},
    {"GET /caf\xc3\xa9 HTTP/1.0\r\n\r\n"sv, 400},
    {"GET /a\0b HTTP/1.0\r\n\r\n"sv, 400},
    {"GET /a\x7f HTTP/1.0\r\n\r\n"sv, 400},
    {"GET a HTTP/1.0\r\n\r\n"sv, 400},
    {"GET ?a HTTP/1.0\r\n\r\n"sv, 400},
    {"GET * HTTP/1.0\r\n\r\n"sv, 400},
    {"OPTIONS * HTTP/1.0\r\n\r\n"sv, 0},
    {"OPTIONS ** HTTP/1.0\r\n\r\n"sv, 400},
    {"GET a:80 HTTP/1.0\r\n\r\n"sv, 400},
    {"GET ftp://a/ HTTP/1.0\r\n\r\n"sv, 400},
    {"GET http:/a HTTP/1.0\r\n\r\n"sv, 400},
    {"GET http:///a HTTP/1.0\r\n\r\n"sv, 400},
    {"GET http://u@a/ HTTP/1.0\r\n\r\n"sv, 400},
    {"GET http://a:b/ HTTP/1.0\r\n\r\n"sv, 400},
    {"GET http://a/ HTTP/1.0\r\n\r\n"sv, 0},
    {"GET HTTPS://a HTTP/1.0\r\n\r\n"sv, 0},
    {"GET //a HTTP/1.0\r\n\r\n"sv, 0},
    {"GET /a|b{\"<>\\^`'[ HTTP/1.0\r\n\r\n"sv, 0},
    // Header lines (§5).
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost\t: a\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n\tfolded\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX(: z\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX\0: z\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xa9: z\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x0b\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \x1b[0m\r\n\r\n"sv, 400},
    // Host (§3.2).
    {"GET / HTTP/1.1\r\n\r\n"sv, 400},
    {"GET / HTTP/1.0\r\n\r\n"sv, 0},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n"sv, 0},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n"sv, 400},
    {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"sv, 400},
    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"sv, 400},
    {"GET http://a/ HTTP/1.1\r\n\r\n"sv, 400},
    // Content-Length (§6.2, §6.3).
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"sv, 0},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"sv, 0},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\n\r\n"sv, 0},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n"sv, 0},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n"sv, 413},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999999\r\n\r\n"sv, 413},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999x\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5;\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent_Length: 6\r\n\r\n"sv, 0},
    // Transfer-Encoding (§6.1, §6.3).
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"sv, 0},
    {"POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding:\tCHUNKED \r\n\r\n"sv, 0},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"sv,
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\nTransfer-Encoding: x\r\n\r\n"sv, 400},
    {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"sv, 501},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     501},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
     "\r\n"sv,
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\n"sv,
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
     "chunked\r\n\r\n"sv,
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n"sv, 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\r\n : chunked\r\n\r\n"sv, 400},
    // Expect (RFC 9110 §10.1.1).
    {"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n"sv, 0},
    {"POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n"sv, 417},
    {"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x\r\n\r\n"sv, 417},
    {"POST / HTTP/1.0\r\nHost: a\r\nExpect: 200-ok\r\n\r\n"sv, 0},
};

TEST(RequestSmuggling, GivesEachRequestItsStatusAtEverySplit) {
  for (const Row& row : kRows) {
    const std::string wanted = row.status == 0 ? "complete" : "error " + std::to_string(row.status);
    const std::string whole = request_outcome(row.request);
    EXPECT_EQ(whole.substr(0, whole.find(' ', 6)).substr(0, wanted.size()), wanted)
        << row.request << "\n"
        << whole;
    for (std::size_t split = 0; split <= row.request.size(); ++split) {
      ASSERT_EQ(request_outcome_split(row.request, split), whole) << row.request << "\n" << split;
    }
    ASSERT_EQ(request_outcome_bytewise(row.request), whole) << row.request;
  }
}

TEST(RequestSmuggling, JudgesEveryByteInEachPlace) {
  constexpr std::string_view kToken =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const auto is_right = [](const std::string& text) {
    return request_outcome(text).starts_with("complete");
  };
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    const bool is_token_byte = kToken.find(byte) != std::string_view::npos;
    const bool is_visible = value > 0x20 && value < 0x7f;
    const std::string one(1, byte);
    EXPECT_EQ(is_right("G" + one + "T / HTTP/1.0\r\n\r\n"), is_token_byte) << value;
    EXPECT_EQ(is_right("GET /a" + one + "b HTTP/1.0\r\n\r\n"), is_visible && byte != '#') << value;
    EXPECT_EQ(is_right("GET / HTTP/1.0\r\nX" + one + "Y: z\r\n\r\n"), is_token_byte || byte == ':')
        << value;
    EXPECT_EQ(is_right("GET / HTTP/1.0\r\nX: a" + one + "b\r\n\r\n"),
              is_visible || value >= 0x80 || byte == ' ' || byte == '\t')
        << value;
  }
}

}  // namespace
}  // namespace wspush::http
