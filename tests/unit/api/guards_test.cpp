#include "api/guards.hpp"

#include <string>

#include <gtest/gtest.h>

#include "unit/http/parsed_head.hpp"

namespace wspush::api {
namespace {

bool is_let_in(const std::string& host, const std::string& origin = {},
               const std::string& address = "127.0.0.1:8081") {
  const http::ParsedHead head("GET / HTTP/1.1\r\nHost: " + host + "\r\n" +
                              (origin.empty() ? "" : "Origin: " + origin + "\r\n") + "\r\n");
  EXPECT_TRUE(head.is_complete());
  config::Internal internal;
  internal.address = address;
  internal.hosts = {"push.internal"};
  const auto error = check_not_from_a_page(*head, internal);
  EXPECT_EQ(error ? error->status : 403, 403);
  return !error;
}

TEST(Guards, LetInWhatNamesThisMachineOrAConfiguredHost) {
  for (const char* host : {"127.0.0.1:8081", "127.0.0.1", "10.1.2.3", "[::1]:8081", "[::1]",
                           "localhost", "LocalHost:8081", "push.internal", "Push.Internal:80"}) {
    EXPECT_TRUE(is_let_in(host)) << host;
  }
}

TEST(Guards, RefuseANameThatAnybodyCanPointToLoopback) {
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                           "xpush.internal", "push.internal.evil.example", "localhost."}) {
    EXPECT_FALSE(is_let_in(host)) << host;
  }
}

TEST(Guards, LetInTheNameInTheListenersOwnAddress) {
  EXPECT_FALSE(is_let_in("wspushd:8081"));
  EXPECT_TRUE(is_let_in("wspushd:8081", "", "wspushd:8081"));
  EXPECT_FALSE(is_let_in("unix", "", "unix:/run/wspushd.sock"));
  EXPECT_TRUE(is_let_in("localhost", "", "unix:/run/wspushd.sock"));
}

TEST(Guards, RefuseAPageOfAnotherOrigin) {
  EXPECT_TRUE(is_let_in("127.0.0.1:8081", "http://127.0.0.1:8081"));
  for (const char* origin : {"http://127.0.0.1:8080", "http://localhost:8081", "null",
                             "http://evil.example", "http://127.0.0.1"}) {
    EXPECT_FALSE(is_let_in("127.0.0.1:8081", origin)) << origin;
  }
}

TEST(Guards, JudgeEveryOriginLine) {
  const http::ParsedHead head(
      "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
      "Origin: http://evil.example\r\n\r\n");
  ASSERT_TRUE(head.is_complete());
  EXPECT_TRUE(check_not_from_a_page(*head, {}).has_value());
}

TEST(Guards, LetInAHealthCheckWithoutHost) {
  const http::ParsedHead old("GET /healthz HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(old.is_complete());
  EXPECT_FALSE(check_not_from_a_page(*old, {}).has_value());
}

}  // namespace
}  // namespace wspush::api
