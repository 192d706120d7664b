#include "config/text_format.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace wspush::config {
namespace {

void expect(const TextFormat& format, const std::vector<std::string>& good,
            const std::vector<std::string>& bad) {
  for (const std::string& text : good) {
    EXPECT_TRUE(format.fits(text)) << text;
  }
  for (const std::string& text : bad) {
    EXPECT_FALSE(format.fits(text)) << text;
  }
}

TEST(TextFormat, KnowsAddresses) {
  expect(kAddress,
         {"127.0.0.1:8080", "0.0.0.0:0", "localhost:65535", "my-host.example:80", "redis_1:6379",
          "[::1]:8080", "[::]:80", "[2001:db8::1]:443", "unix:/run/wspushd.sock",
          "unix:/" + std::string(106, 'x')},
         {"",
          "8080",
          ":8080",
          "127.0.0.1",
          "127.0.0.1:",
          "127.0.0.1:65536",
          "127.0.0.1:-1",
          "127.0.0.1:080",
          "127.0.0.1:80a",
          "300.0.0.1:80",
          "1.2.3:80",
          "::1:80",
          "[::1]",
          "[]:80",
          "[127.0.0.1]:80",
          "unix:",
          "unix:/",
          "unix:x",
          "unix:/" + std::string(107, 'x'),
          "http://a:80",
          "a b:80",
          "*:80",
          "-a:80"});
}

TEST(TextFormat, KnowsWhichAddressIsLoopback) {
  for (const char* address : {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(is_loopback_address(address)) << address;
  }
  for (const char* address : {"0.0.0.0:1", "10.0.0.1:1", "[::]:1", "127.example.com:1",
                              "unix:/run/x", "localhost.de:1"}) {
    EXPECT_FALSE(is_loopback_address(address)) << address;
  }
}

TEST(TextFormat, TellsThePort) {
  EXPECT_EQ(port_of("127.0.0.1:0"), 0);
  EXPECT_EQ(port_of("[::1]:65535"), 65535);
  EXPECT_EQ(port_of("unix:/run/a:80"), -1);
}

TEST(TextFormat, KnowsNetworks) {
  expect(kNetwork, {"10.0.0.0/8", "0.0.0.0/0", "1.2.3.4/32", "fd00::/8", "::/0", "::1/128"},
         {"", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::1/129", "::1", "a/8",
          "10.0.0.0/8/8", "10.0.0.0/08", "/8"});
}

TEST(TextFormat, KnowsPaths) {
  expect(kPathPrefix, {"", "/a", "/a/b", "/a-b_c.d~e"},
         {"/", "a", "/a/", "/a//b", "/a?b", "/a b", "/ä"});
  expect(kPath, {"/", "/ws", "/a/b"}, {"", "ws", "/ws/", "//", "/a#b", "/a%20b"});
  expect(kDirectory, {"/var/lib/wspushd", "/"}, {"", "var", "./x"});
}

TEST(TextFormat, KnowsOrigins) {
  expect(kOrigin,
         {"same", "*", "null", "*.example.com", "https://example.com", "http://localhost:3000",
          "https://[::1]:8443", "https://[::1]", "http://127.0.0.1"},
         {"", "example.com", "https://", "https://example.com/", "https://example.com:0",
          "https://example.com:65536", "ftp://example.com", "*.", "*example.com", "**",
          "https://*.example.com", "https://a b", "*.example.com:80", "SAME", "https://300.0.0.1"});
}

TEST(TextFormat, KnowsPatternsOfRules) {
  expect(kRulePattern,
         {">", "*", "a", "a.b", "a.*", "a.*.c", "*.*", "a.>", "*.>", "inbox.{user}", "{user}",
          "{user}.>", "{x}", "sport.fußball", std::string(255, 'a')},
         {"",
          ".",
          "a.",
          ".a",
          "a..b",
          "a.>.b",
          ">.a",
          ">>",
          "a*",
          "*a",
          "a>",
          "a b",
          "a/b",
          "a?b",
          "a#b",
          "a\tb",
          "a\x7f",
          "a\xc2\xa0"
          "b",
          "a\xe2\x80\x83"
          "b",
          "a\xc2\x85"
          "b",
          "a{user}",
          "{user}x",
          "{user}{user}",
          std::string(256, 'a')});
  expect(kTopicPattern, {">", "a.*", "{user}", "a{user}"}, {"", "a..b", "a.>.b"});
}

TEST(TextFormat, KnowsTheRest) {
  expect(kToken, {"wspush.v1", "a", "!#$%&'*+-.^_`|~"}, {"", "a b", "a/b", "a,b", "(a)", "ä"});
  expect(kCookieName, {"", "session"}, {"a=b", "a;b"});
  expect(kHostName, {"localhost", "wspushd_1", "a.b"}, {"", "a:80", "[::1]", ".a", "-a", "a/b"});
  expect(kTlsVersion, {"1.2", "1.3"}, {"", "1.1", "1.0", "TLS1.2", "1.4"});
  expect(kVisibleText, {"a", "!~"}, {"", "a b", "a\n", "ä", "a\x7f"});
  expect(kDiskSync, {"turn", "never", "1ms", "1s", "1h"}, {"", "0", "always", "61m", "1"});
  expect(kRedisUrl, {"redis://127.0.0.1:6379/0", "rediss://u:p@h", "redis://a:1,redis://b:2"},
         {"", "redis://", "redis:///0", "http://a", "redis://a,", ",redis://a", "redis://a b"});
  expect(kBridgeType, {"kafka", "rabbitmq"}, {"", "nats", "Kafka"});
  expect(kName, {"a", "a.b_c-1", std::string(64, 'a')}, {"", "a b", "a/b", std::string(65, 'a')});
  expect(kAmqpUrl, {"amqp://guest:guest@127.0.0.1:5672/%2f", "amqps://h"},
         {"", "amqp://", "http://h"});
  expect(kHttpUrl, {"http://h/x", "https://h"},
         {"", "https://", "https:///x", "ftp://h", "http://a b"});
  expect(kWebhookEvent, {"channel_occupied", "subscription_count"}, {"", "channel"});
  expect(kSomeText, {"x"}, {"", std::string("a\0b", 3)});
  expect(kAnyText, {"", "x"}, {std::string("a\0b", 3)});
}

}  // namespace
}  // namespace wspush::config
