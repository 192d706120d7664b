#include "http/message_framing.hpp"

#include <string>

#include <gtest/gtest.h>

#include "unit/http/parsed_head.hpp"

namespace wspush::http {
namespace {

std::string request(std::string_view line, std::string_view headers) {
  return std::string(line) + "\r\n" + std::string(headers) + "\r\n";
}

TEST(MessageFraming, KnowsValidHosts) {
  for (const char* host :
       {"", "a", "example.com", "EXAMPLE.com:80", "a_b", "1.2.3.4:65535", "a:", "a:0", "[::1]",
        "[::1]:8080", "[::ffff:1.2.3.4]", "xn--caf-dma.fr", "a%20b", "a~-.b"}) {
    EXPECT_TRUE(is_valid_host(host)) << host;
  }
  for (const char* host : {":80",
                           "a:65536",
                           "a:99999999999999999999",
                           "a:b",
                           "a:80:80",
                           "a:-1",
                           "[::1",
                           "::1",
                           "[]",
                           "[::1]80",
                           "[::1]:x",
                           "[a]",
                           "[zz::1]",
                           "a/b",
                           "a b",
                           "a,b",
                           "a@b",
                           "a%2",
                           "a%zz",
                           "a?b",
                           "caf\xc3\xa9",
                           "a\\b",
                           "[fe80::1%25eth0]",
                           "!",
                           "a;b"}) {
    EXPECT_FALSE(is_valid_host(host)) << host;
  }
}

TEST(MessageFraming, TakesTheHostOfAnAbsoluteTarget) {
  ParsedHead head(request("GET http://b:81/x HTTP/1.1", "Host: a\r\n"));
  ASSERT_TRUE(head.is_complete());
  EXPECT_EQ(head->host, "b:81");
}

TEST(MessageFraming, KeepsTheConnectionByVersionAndConnectionHeader) {
  const auto keeps = [](std::string_view version, std::string_view headers) {
    ParsedHead head(request("GET / " + std::string(version), "Host: a\r\n" + std::string(headers)));
    EXPECT_TRUE(head.is_complete());
    return head->keep_alive;
  };
  EXPECT_TRUE(keeps("HTTP/1.1", ""));
  EXPECT_TRUE(keeps("HTTP/1.1", "Connection: upgrade\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: keep-alive, Close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: foo\r\nConnection: close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", ""));
  EXPECT_TRUE(keeps("HTTP/1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", "Connection: keep-alive, close\r\n"));
}

TEST(MessageFraming, TellsWhatBodyComes) {
  ParsedHead none(request("POST / HTTP/1.0", ""));
  EXPECT_FALSE(none->has_body());
  ParsedHead empty(request("POST / HTTP/1.0", "Content-Length: 0\r\n"));
  EXPECT_EQ(empty->content_length, 0U);
  EXPECT_FALSE(empty->has_body());
  ParsedHead length(request("POST / HTTP/1.0", "Content-Length: 0018\r\n"));
  EXPECT_EQ(length->content_length, 18U);
  EXPECT_TRUE(length->has_body());
  ParsedHead chunked(request("POST / HTTP/1.1", "Host: a\r\nTransfer-Encoding: Chunked\r\n"));
  EXPECT_TRUE(chunked->is_chunked);
  EXPECT_EQ(chunked->content_length, std::nullopt);
  EXPECT_TRUE(chunked->has_body());
}

TEST(MessageFraming, ExpectsContinueOnlyWithABodyAndInHttp11) {
  const auto expects = [](std::string_view version, std::string_view headers) {
    ParsedHead head(request("POST / " + std::string(version),
                            "Host: a\r\nExpect: 100-Continue\r\n" + std::string(headers)));
    EXPECT_TRUE(head.is_complete());
    return head->expects_continue;
  };
  EXPECT_TRUE(expects("HTTP/1.1", "Content-Length: 1\r\n"));
  EXPECT_TRUE(expects("HTTP/1.1", "Transfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(expects("HTTP/1.1", ""));
  EXPECT_FALSE(expects("HTTP/1.1", "Content-Length: 0\r\n"));
  EXPECT_FALSE(expects("HTTP/1.0", "Content-Length: 1\r\n"));
}

TEST(MessageFraming, ReadsContentLengthsUpToTheLargestNumber) {
  EXPECT_EQ(parse_content_length("0").value(), 0U);
  EXPECT_EQ(parse_content_length("18446744073709551615").value(), 18446744073709551615U);
  EXPECT_EQ(parse_content_length("000000000000000000000000000000007").value(), 7U);
  EXPECT_EQ(parse_content_length("18446744073709551616").error(),
            HttpFault::kContentLengthTooLarge);
  EXPECT_EQ(parse_content_length("18446744073709551620").error(),
            HttpFault::kContentLengthTooLarge);
  EXPECT_EQ(parse_content_length("184467440737095516150").error(),
            HttpFault::kContentLengthTooLarge);
  EXPECT_EQ(parse_content_length("1 ").error(), HttpFault::kBadContentLength);
}

}  // namespace
}  // namespace wspush::http
