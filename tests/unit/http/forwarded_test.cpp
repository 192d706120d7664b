#include "http/forwarded.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/http/parsed_head.hpp"

namespace wspush::http {
namespace {

using namespace std::string_literals;

using Nodes = std::vector<std::string>;

/// The nodes of a request with these header lines.
Nodes nodes_of(const std::string& lines) {
  ParsedHead head{"GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n"};
  EXPECT_TRUE(head.is_complete()) << lines;
  const auto found = forwarded_for(head->headers);
  return {found.begin(), found.end()};
}

TEST(Forwarded, IsNothingWithoutItsHeaders) {
  EXPECT_EQ(nodes_of(""), Nodes());
  EXPECT_EQ(nodes_of("X-Forwarded-For:\r\n"), Nodes());
  EXPECT_EQ(nodes_of("X-Forwarded-For: , ,\r\n"), Nodes());
  EXPECT_EQ(nodes_of("Forwarded:\r\n"), Nodes());
}

TEST(Forwarded, TellsTheWordOfTheNearestProxyFirst) {
  EXPECT_EQ(nodes_of("X-Forwarded-For: 192.0.2.1, 192.0.2.2,192.0.2.3\r\n"),
            (Nodes{"192.0.2.3", "192.0.2.2", "192.0.2.1"}));
  EXPECT_EQ(nodes_of("Forwarded: for=192.0.2.1, for=192.0.2.2\r\n"),
            (Nodes{"192.0.2.2", "192.0.2.1"}));
}

TEST(Forwarded, TakesSeveralLinesAsOneList) {
  EXPECT_EQ(nodes_of("X-Forwarded-For: a, b\r\nX: y\r\nx-forwarded-for: c\r\n"),
            (Nodes{"c", "b", "a"}));
  EXPECT_EQ(nodes_of("Forwarded: for=a\r\nFORWARDED: for=b, for=c\r\n"), (Nodes{"c", "b", "a"}));
}

TEST(Forwarded, TakesPortsAndBracketsOff) {
  EXPECT_EQ(nodes_of("X-Forwarded-For: 192.0.2.1:80\r\n"), Nodes{"192.0.2.1"});
  EXPECT_EQ(nodes_of("X-Forwarded-For: [2001:db8::1]:80\r\n"), Nodes{"2001:db8::1"});
  EXPECT_EQ(nodes_of("X-Forwarded-For: [2001:db8::1]\r\n"), Nodes{"2001:db8::1"});
  EXPECT_EQ(nodes_of("X-Forwarded-For: 2001:db8::1\r\n"), Nodes{"2001:db8::1"});
  EXPECT_EQ(nodes_of("X-Forwarded-For: ::1\r\n"), Nodes{"::1"});
}

TEST(Forwarded, KeepsAnEntryThatIsNoAddressAsOne) {
  EXPECT_EQ(nodes_of("X-Forwarded-For: a, [::1, [::1]x, unknown\r\n"),
            (Nodes{"unknown", "", "", "a"}));
  EXPECT_EQ(nodes_of("Forwarded: for=a, proto=http, by=b, for=_hidden, for\r\n"),
            (Nodes{"", "_hidden", "", "", "a"}));
  EXPECT_EQ(nodes_of("Forwarded: for=a;for=b\r\n"), Nodes{""});
}

TEST(Forwarded, ReadsTheParametersOfRfc7239) {
  EXPECT_EQ(nodes_of("Forwarded: for=\"_gazonk\"\r\n"), Nodes{"_gazonk"});
  EXPECT_EQ(nodes_of("Forwarded: For=\"[2001:db8:cafe::17]:4711\"\r\n"),
            Nodes{"2001:db8:cafe::17"});
  EXPECT_EQ(nodes_of("Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43\r\n"),
            Nodes{"192.0.2.60"});
  EXPECT_EQ(nodes_of("Forwarded: by=\"a, b;for=c\" ; host=x; for = 192.0.2.1\r\n"),
            Nodes{"192.0.2.1"});
  EXPECT_EQ(nodes_of("Forwarded: for=192.0.2.43, for=\"[2001:db8::2]\";proto=\"a,b\"\r\n"),
            (Nodes{"2001:db8::2", "192.0.2.43"}));
}

// What a client sends stands before what the proxy adds. Nothing of it may reach behind.
TEST(Forwarded, LetsNoClientHideWhatAProxyHasAdded) {
  for (const std::string& forged :
       {"\""s, "for=\""s, "for=x, for=\"a"s, "for=\"\\\""s, ",,,"s, "["s, "for=["s, "\\"s}) {
    EXPECT_EQ(nodes_of("X-Forwarded-For: " + forged + ", 192.0.2.1\r\n").front(), "192.0.2.1")
        << forged;
    EXPECT_EQ(nodes_of("Forwarded: " + forged + ", for=192.0.2.1\r\n").front(), "192.0.2.1")
        << forged;
    EXPECT_EQ(nodes_of("Forwarded: " + forged + ", for=\"[2001:db8::1]:7\"\r\n").front(),
              "2001:db8::1")
        << forged;
  }
}

TEST(Forwarded, PrefersTheHeaderThatProxiesWrite) {
  EXPECT_EQ(nodes_of("Forwarded: for=192.0.2.9\r\nX-Forwarded-For: 192.0.2.1\r\n"),
            Nodes{"192.0.2.1"});
}

TEST(Forwarded, CountsEveryEntryOfAListThatFillsTheHead) {
  std::string list = "X-Forwarded-For: a";
  for (int i = 0; i < 7'000; ++i) {
    list += ",b";
  }
  EXPECT_EQ(nodes_of(list + "\r\n").size(), 7'001U);
}

}  // namespace
}  // namespace wspush::http
