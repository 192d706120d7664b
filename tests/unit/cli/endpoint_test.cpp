#include "cli/endpoint.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

using testing::HasSubstr;

TEST(Endpoint, IsHostPortAndPrefixOfAUrl) {
  struct Case {
    const char* url;
    const char* host;
    int port;
    const char* path;
    const char* websocket_path;
  };
  for (const Case& c :
       {Case{"ws://127.0.0.1:8080", "127.0.0.1", 8080, "", "/ws"},
        Case{"ws://127.0.0.1:8080/", "127.0.0.1", 8080, "", "/ws"},
        Case{"WS://example.org", "example.org", 80, "", "/ws"},
        Case{"ws://example.org:65535/push", "example.org", 65535, "/push", "/push/ws"},
        Case{"ws://example.org/a/b/", "example.org", 80, "/a/b", "/a/b/ws"},
        Case{"ws://example.org/ws", "example.org", 80, "/ws", "/ws"},
        Case{"ws://[::1]:1", "::1", 1, "", "/ws"}, Case{"ws://[::1]", "::1", 80, "", "/ws"}}) {
    const auto endpoint = parse_endpoint(c.url, Listener::kPublic);
    ASSERT_TRUE(endpoint) << c.url << ": " << endpoint.error();
    EXPECT_EQ(endpoint->url, c.url);
    EXPECT_EQ(endpoint->host, c.host) << c.url;
    EXPECT_EQ(endpoint->port, c.port) << c.url;
    EXPECT_EQ(endpoint->path, c.path) << c.url;
    EXPECT_EQ(websocket_path(*endpoint), c.websocket_path) << c.url;
  }
}

TEST(Endpoint, KeepsTheAuthorityForTheHostHeader) {
  EXPECT_EQ(parse_endpoint("http://[::1]:81/p", Listener::kInternal)->authority, "[::1]:81");
  EXPECT_EQ(parse_endpoint("http://localhost", Listener::kInternal)->authority, "localhost");
}

TEST(Endpoint, RefusesWhatIsNoUrlOfTheListenerAndNamesIt) {
  for (const char* url : {"",
                          "nonsense",
                          "127.0.0.1:8080",
                          "ws:/x",
                          "ws://",
                          "ws:///ws",
                          "ws://:80",
                          "ws://h:0",
                          "ws://h:65536",
                          "ws://h:x",
                          "ws://u@h",
                          "ws://h?x=1",
                          "ws://h/a?x=1",
                          "ws://h/a#b",
                          "ws://h/a b",
                          "ws://h/\r\nX: y",
                          "ws://h\n",
                          "http://h",
                          "ftp://h",
                          "ws://[::1"}) {
    const auto endpoint = parse_endpoint(url, Listener::kPublic);
    ASSERT_FALSE(endpoint) << url;
    EXPECT_THAT(endpoint.error(), HasSubstr("\"" + std::string(url) + "\""));
    EXPECT_THAT(endpoint.error(), HasSubstr("ws://HOST:PORT"));
  }
  EXPECT_FALSE(parse_endpoint("ws://h", Listener::kInternal));
}

TEST(Endpoint, UsesTlsWhereTheSchemeSaysSo) {
  const auto plain = parse_endpoint("ws://h", Listener::kPublic);
  EXPECT_FALSE(plain->uses_tls);
  const auto tls = parse_endpoint("WSS://h/push", Listener::kPublic);
  ASSERT_TRUE(tls);
  EXPECT_TRUE(tls->uses_tls);
  EXPECT_EQ(tls->port, 443);
  EXPECT_EQ(tls->host, "h");
  EXPECT_EQ(tls->path, "/push");
  const auto internal = parse_endpoint("https://[::1]:8", Listener::kInternal);
  ASSERT_TRUE(internal);
  EXPECT_TRUE(internal->uses_tls);
  EXPECT_EQ(internal->port, 8);
  EXPECT_FALSE(parse_endpoint("https://h", Listener::kPublic));
  EXPECT_FALSE(parse_endpoint("wss://h", Listener::kInternal));
}

}  // namespace
}  // namespace wspush::cli
