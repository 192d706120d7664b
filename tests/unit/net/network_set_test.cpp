#include "net/network_set.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace wspush::net {
namespace {

IpAddress ip(std::string_view text) {
  const auto parsed = parse_ip(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : IpAddress{};
}

NetworkSet set_of(std::vector<std::string> networks) {
  const auto set = NetworkSet::parse(networks);
  EXPECT_TRUE(set);
  return set ? *set : NetworkSet();
}

TEST(NetworkSet, HoldsNobodyWhenItIsEmpty) {
  EXPECT_FALSE(NetworkSet().contains(ip("127.0.0.1")));
  EXPECT_FALSE(NetworkSet().contains(IpAddress{}));
}

TEST(NetworkSet, HoldsWhatSharesThePrefix) {
  const NetworkSet set = set_of({"10.0.0.0/8", "192.0.2.128/25", "198.51.100.7/32", "fd00::/8",
                                 "2001:db8::1/128", "2001:db8:0:8::/61"});
  for (const char* inside :
       {"10.0.0.0", "10.255.255.255", "192.0.2.128", "192.0.2.255", "198.51.100.7", "fd00::1",
        "fdff::", "2001:db8::1", "2001:db8:0:f:ffff::1"}) {
    EXPECT_TRUE(set.contains(ip(inside))) << inside;
  }
  for (const char* outside :
       {"9.255.255.255", "11.0.0.0", "192.0.2.127", "198.51.100.6", "198.51.100.8",
        "fe00::", "fc00::", "2001:db8::2", "2001:db8:0:10::", "2001:db8:0:7::"}) {
    EXPECT_FALSE(set.contains(ip(outside))) << outside;
  }
}

TEST(NetworkSet, IgnoresTheBitsBehindThePrefix) {
  EXPECT_TRUE(set_of({"10.1.2.3/8"}).contains(ip("10.9.9.9")));
}

TEST(NetworkSet, TakesAMappedAddressForTheIpv4OneThatItIs) {
  EXPECT_TRUE(set_of({"10.0.0.0/8"}).contains(ip("::ffff:10.0.0.1")));
  EXPECT_TRUE(set_of({"::ffff:10.0.0.0/104"}).contains(ip("10.0.0.1")));
}

TEST(NetworkSet, KeepsTheFamiliesApart) {
  EXPECT_TRUE(set_of({"0.0.0.0/0"}).contains(ip("192.0.2.1")));
  EXPECT_FALSE(set_of({"0.0.0.0/0"}).contains(ip("2001:db8::1")));
  EXPECT_TRUE(set_of({"::/0"}).contains(ip("2001:db8::1")));
  EXPECT_FALSE(set_of({"::/0"}).contains(ip("192.0.2.1")));
}

TEST(NetworkSet, RefusesWhatIsNoNetwork) {
  for (const char* text : {"", "10.0.0.1", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0/8",
                           "10.0.0.0/8x", "fd00::/129", "x/8", "/8", "10.0.0.0/8/8"}) {
    const std::vector<std::string> one{"10.0.0.0/8", text};
    const auto set = NetworkSet::parse(one);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error(), std::string(text) + " is no network");
  }
}

std::string client(std::vector<std::string_view> named) {
  return client_behind(ip("10.0.0.1"), named, set_of({"10.0.0.0/8", "fd00::/8"})).text();
}

TEST(ClientBehind, IsTheFirstAddressThatNoTrustedProxyHas) {
  EXPECT_EQ(client({"192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(client({"10.0.0.2", "fd00::1", "2001:db8::1", "10.0.0.9", "192.0.2.1"}), "2001:db8::1");
  EXPECT_EQ(client({"192.0.2.1", "127.0.0.1"}), "192.0.2.1") << "the client wrote that";
}

TEST(ClientBehind, IsTheLastOneThatWasNamedWhereAllAreTrusted) {
  EXPECT_EQ(client({}), "10.0.0.1");
  EXPECT_EQ(client({"10.0.0.2", "10.0.0.3"}), "10.0.0.3");
}

TEST(ClientBehind, StopsAtWhatIsNoAddress) {
  EXPECT_EQ(client({"unknown", "192.0.2.1"}), "10.0.0.1");
  EXPECT_EQ(client({"10.0.0.2", "", "192.0.2.1"}), "10.0.0.2");
}

TEST(ClientBehind, StopsAtTheUnspecifiedAddressWhichIsNobodys) {
  EXPECT_EQ(client({"::"}), "10.0.0.1");
  EXPECT_EQ(client({"10.0.0.2", "::", "192.0.2.1"}), "10.0.0.2");
}

}  // namespace
}  // namespace wspush::net
