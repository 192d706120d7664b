#include "websocket/client_handshake.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "websocket/opening_handshake.hpp"

namespace wspush::websocket {
namespace {

UpgradeRequest request() {
  return {.host = "example.org:8080",
          .target = "/ws?x=1",
          .key = "dGhlIHNhbXBsZSBub25jZQ==",
          .subprotocols = {"wspush.v1", "bearer.t"},
          .headers = {{"Origin", "http://example.org"}}};
}

const std::string kGood =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

UpgradeError error_of(const std::string& head) {
  const auto result = check_upgrade_response(head, request());
  EXPECT_FALSE(result.has_value()) << head;
  return result.has_value() ? UpgradeError{} : result.error();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(ClientHandshake, MakesAKeyOfSixteenBytes) {
  EXPECT_EQ(make_client_key(
                {'t', 'h', 'e', ' ', 's', 'a', 'm', 'p', 'l', 'e', ' ', 'n', 'o', 'n', 'c', 'e'}),
            "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_TRUE(is_valid_key(make_client_key({})));
}

TEST(ClientHandshake, WritesTheRequest) {
  EXPECT_EQ(encode_upgrade_request(request()),
            "GET /ws?x=1 HTTP/1.1\r\nHost: example.org:8080\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: wspush.v1, bearer.t\r\n"
            "Origin: http://example.org\r\n\r\n");
  EXPECT_EQ(encode_upgrade_request({.host = "h", .target = "/", .key = "k"}),
            "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n");
}

TEST(ClientHandshake, TakesAGoodResponse) {
  const auto plain = check_upgrade_response(kGood + "\r\n", request());
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->status, 101);
  EXPECT_EQ(plain->subprotocol, "");
  const auto chosen = check_upgrade_response(
      kGood + "sec-websocket-protocol:  wspush.v1 \r\nX-Other: a:b\r\n\r\nbytes", request());
  ASSERT_TRUE(chosen.has_value());
  EXPECT_EQ(chosen->subprotocol, "wspush.v1");
}

TEST(ClientHandshake, RefusesWhatTheRfcRefuses) {  // §4.1, the list after the request
  EXPECT_EQ(error_of(replaced(kGood, "101", "200") + "\r\n"), UpgradeError::kStatus);
  EXPECT_EQ(error_of(replaced(kGood, "WebSocket", "h2c") + "\r\n"), UpgradeError::kNoUpgrade);
  EXPECT_EQ(error_of(replaced(kGood, ", Upgrade", "") + "\r\n"), UpgradeError::kNoUpgrade);
  EXPECT_EQ(error_of(replaced(kGood, "s3p", "S3p") + "\r\n"), UpgradeError::kWrongAccept);
  EXPECT_EQ(error_of(replaced(kGood, "-Accept", "-Other") + "\r\n"), UpgradeError::kWrongAccept);
  EXPECT_EQ(error_of(kGood + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
            UpgradeError::kExtension);
  EXPECT_EQ(error_of(kGood + "Sec-WebSocket-Protocol: other\r\n\r\n"), UpgradeError::kSubprotocol);
}

TEST(ClientHandshake, RefusesWhatIsNoResponse) {
  const std::string whole = kGood + "\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(error_of(whole.substr(0, size)), UpgradeError::kMalformed);
  }
  EXPECT_EQ(error_of(replaced(whole, "HTTP/1.1", "HTTP/1.0")), UpgradeError::kMalformed);
  EXPECT_EQ(error_of(replaced(whole, "101 ", "1010 ")), UpgradeError::kMalformed);
  EXPECT_EQ(error_of(replaced(whole, "101", "1x1")), UpgradeError::kMalformed);
  EXPECT_EQ(error_of(kGood + "no colon\r\n\r\n"), UpgradeError::kMalformed);
  EXPECT_EQ(error_of(kGood + "bad name: x\r\n\r\n"), UpgradeError::kMalformed);
  EXPECT_EQ(error_of(kGood + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
            UpgradeError::kMalformed);
}

TEST(ClientHandshake, TellsTheStatusOfARefusal) {
  int status = 0;
  const auto result =
      check_upgrade_response("HTTP/1.1 429\r\nRetry-After: 3\r\n\r\n", request(), &status);
  EXPECT_FALSE(result.has_value());
  EXPECT_EQ(status, 429);
}

TEST(ClientHandshake, EachErrorHasAPhrase) {
  std::set<std::string_view> phrases;
  for (int error = 0; error <= static_cast<int>(UpgradeError::kExtension); ++error) {
    EXPECT_TRUE(phrases.insert(describe(static_cast<UpgradeError>(error))).second);
  }
  EXPECT_FALSE(phrases.contains(""));
}

}  // namespace
}  // namespace wspush::websocket
