#include "net/address.hpp"

#include <string>

#include <gtest/gtest.h>

#include "unit/net/test_sockets.hpp"

namespace wspush::net {
namespace {

IpAddress ip(std::string_view text) {
  auto parsed = parse_ip(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : IpAddress{};
}

TEST(IpAddress, IsPrintedAsItIsRead) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "::1", "2001:db8::1",
                           "fe80::1234:5678:9abc:def0"}) {
    EXPECT_EQ(ip(text).text(), text);
  }
}

TEST(IpAddress, TakesAV4MappedAddressAsV4) {
  EXPECT_EQ(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
  EXPECT_TRUE(ip("::ffff:192.0.2.1").is_v4());
  EXPECT_EQ(ip("::ffff:192.0.2.1").text(), "192.0.2.1");
  EXPECT_FALSE(ip("2001:db8::1").is_v4());
}

TEST(IpAddress, KnowsLoopback) {
  for (const char* text : {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(ip(text).is_loopback()) << text;
  }
  for (const char* text : {"126.255.255.255", "128.0.0.1", "::2", "1::1", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(ip(text).is_loopback()) << text;
  }
  EXPECT_FALSE(IpAddress{}.is_loopback());
  EXPECT_TRUE(IpAddress{}.is_none());
  EXPECT_EQ(IpAddress{}.text(), "");
}

TEST(IpAddress, RefusesWhatIsNotOne) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "1.2.3.256"sv, "localhost"sv,
                                      "[::1]"sv, "fe80::1%lo"sv, "1.2.3.4\0"sv, " 1.2.3.4"sv}) {
    EXPECT_FALSE(parse_ip(text)) << text;
  }
  EXPECT_FALSE(parse_ip(std::string(100, '1')));
}

TEST(SocketAddress, IsPrintedAsItIsResolved) {
  for (const char* text : {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:65535", "[::]:80",
                           "[2001:db8::1]:443", "unix:/run/wspushd.sock"}) {
    EXPECT_EQ(address(text).text(), text);
  }
  EXPECT_EQ(address("[::ffff:192.0.2.1]:80").text(), "192.0.2.1:80");
}

TEST(SocketAddress, TellsItsParts) {
  EXPECT_EQ(address("[2001:db8::7]:443").port(), 443);
  EXPECT_EQ(address("[2001:db8::7]:443").ip(), ip("2001:db8::7"));
  EXPECT_EQ(address("192.0.2.1:80").ip(), ip("192.0.2.1"));
  EXPECT_EQ(address("unix:/a/b").unix_path(), "/a/b");
  EXPECT_EQ(address("unix:/a/b").port(), 0);
  EXPECT_TRUE(address("unix:/a/b").is_loopback());
  EXPECT_TRUE(address("unix:/a/b").ip().is_none());
  EXPECT_FALSE(address("0.0.0.0:1").is_loopback());
  EXPECT_EQ(SocketAddress().text(), "");
}

TEST(ResolveAddress, PrefersIpv4ForNames) {
  EXPECT_EQ(address("localhost:80").text(), "127.0.0.1:80");
}

TEST(ResolveAddress, TellsWhatIsWrong) {
  const auto error = [](std::string_view text) {
    const auto resolved = resolve_address(text);
    EXPECT_FALSE(resolved) << text;
    return resolved ? std::string() : resolved.error();
  };
  EXPECT_NE(error("127.0.0.1").find("port is missing"), std::string::npos);
  EXPECT_NE(error("").find("port is missing"), std::string::npos);
  EXPECT_NE(error("[::1]").find("port is missing"), std::string::npos);
  EXPECT_NE(error("[::1]8080").find("port is missing"), std::string::npos);
  EXPECT_NE(error("[::1:80").find("not closed"), std::string::npos);
  for (const char* text : {"h:", "h:65536", "h:-1", "h:80x", "h: 80", "h:http", "[::1]:"}) {
    EXPECT_NE(error(text).find("from 0 to 65535"), std::string::npos) << text;
  }
  EXPECT_NE(error(":80").find("host is missing"), std::string::npos);
  EXPECT_NE(error("[]:80").find("host is missing"), std::string::npos);
  EXPECT_NE(error("::1:80").find("[::1]:port"), std::string::npos);
  EXPECT_NE(error("[127.0.0.1]:80").find("only an IPv6"), std::string::npos);
  EXPECT_NE(error("unix:").find("start with /"), std::string::npos);
  EXPECT_NE(error("unix:relative").find("start with /"), std::string::npos);
  EXPECT_NE(error("name.invalid:80").find("\"name.invalid\" was not found"), std::string::npos);
}

TEST(ResolveAddress, BoundsUnixPaths) {
  const std::string longest = "/" + std::string(106, 'p');  // sun_path has 108 bytes
  EXPECT_EQ(address("unix:" + longest).unix_path(), longest);
  EXPECT_FALSE(resolve_address("unix:" + longest + "p"));
  EXPECT_FALSE(resolve_address(std::string_view("unix:/a\0b", 9)));
}

TEST(SocketAddress, TellsBothEndsOfAConnection) {
  const SocketPair pair = tcp_pair();
  EXPECT_EQ(peer_address(pair.theirs.get()).text(), bound_address(pair.ours.get()).text());
  EXPECT_TRUE(peer_address(pair.ours.get()).is_loopback());
  EXPECT_EQ(peer_address(unix_pair().ours.get()).text(), "unix:");
  EXPECT_EQ(peer_address(-1).text(), "");
}

}  // namespace
}  // namespace wspush::net
