#include "auth/origin_policy.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace wspush::auth {
namespace {

struct Row {
  const char* entry;
  const char* origin;
  const char* host;
  bool is_allowed;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const std::vector<std::string> entries{row.entry};
    EXPECT_EQ(is_origin_allowed(entries, row.origin, row.host), row.is_allowed)
        << row.entry << " " << row.origin << " " << row.host;
  }
}

TEST(OriginPolicy, SameComparesHostAndPortWithTheHostHeader) {
  check({
      {"same", "http://example.com", "example.com", true},
      {"same", "https://example.com", "example.com", true},
      {"same", "http://EXAMPLE.com", "example.COM", true},
      {"same", "http://example.com:80", "example.com", true},
      {"same", "http://example.com", "example.com:80", true},
      {"same", "https://example.com", "example.com:443", true},
      {"same", "https://example.com:443", "example.com", true},
      {"same", "http://example.com:8080", "example.com:8080", true},
      {"same", "http://example.com:8080", "example.com", false},
      {"same", "http://example.com", "example.com:8080", false},
      {"same", "https://example.com", "example.com:80", false},
      {"same", "http://other.com", "example.com", false},
      {"same", "http://evilexample.com", "example.com", false},
      {"same", "http://example.com.evil", "example.com", false},
      {"same", "http://sub.example.com", "example.com", false},
      {"same", "http://[::1]:8080", "[::1]:8080", true},
      {"same", "http://[::1]", "[::1]", true},
      {"same", "http://[::1]", "[::1]:80", true},
      {"same", "http://[::2]", "[::1]", false},
      {"same", "http://[::1]:8080", "[::1]", false},
      {"same", "http://[2001:DB8::1]", "[2001:db8::1]", true},
      {"same", "null", "example.com", false},
      {"same", "null", "null", false},
      {"same", "", "", false},
      {"same", "http://", "", false},
      {"same", "http://example.com", "", false},
      {"same", "http://example.com@evil.com", "evil.com", false},
      {"same", "http://evil.com/http://example.com", "example.com", false},
      {"same", "example.com", "example.com", false},
      {"same", "//example.com", "example.com", false},
      {"same", "http://a.com http://example.com", "example.com", false},
  });
}

TEST(OriginPolicy, AnExactEntryComparesSchemeHostAndPort) {
  check({
      {"https://example.com", "https://example.com", "x", true},
      {"https://example.com", "https://EXAMPLE.com", "x", true},
      {"https://example.com", "HTTPS://example.com", "x", true},
      {"https://Example.com", "https://example.com", "x", true},
      {"https://example.com", "https://example.com:443", "x", true},
      {"https://example.com:443", "https://example.com", "x", true},
      {"https://example.com", "http://example.com", "x", false},
      {"https://example.com", "http://example.com:443", "x", false},
      {"https://example.com", "https://example.com:8443", "x", false},
      {"https://example.com:8443", "https://example.com:8443", "x", true},
      {"https://example.com:8443", "https://example.com", "x", false},
      {"https://example.com", "https://sub.example.com", "x", false},
      {"https://example.com", "https://evilexample.com", "x", false},
      {"https://example.com", "https://example.com.evil", "x", false},
      {"https://example.com", "https://example.com.", "x", false},
      {"https://example.com", "https://example.com/", "x", false},
      {"https://example.com", "null", "x", false},
      {"http://[::1]:8080", "http://[::1]:8080", "x", true},
      {"http://[::1]:8080", "http://[::1]", "x", false},
      {"http://[::1]", "http://[::1]:80", "x", true},
      {"chrome-extension://abc", "chrome-extension://abc", "x", true},
      {"chrome-extension://abc", "chrome-extension://abcd", "x", false},
  });
}

TEST(OriginPolicy, AWildcardIsAnySubdomainAndNothingElse) {
  check({
      {"*.example.com", "https://a.example.com", "x", true},
      {"*.example.com", "http://a.example.com", "x", true},
      {"*.example.com", "https://a.b.example.com", "x", true},
      {"*.example.com", "https://A.EXAMPLE.COM", "x", true},
      {"*.Example.com", "https://a.example.com", "x", true},
      {"*.example.com", "https://a.example.com:8443", "x", true},
      {"*.example.com", "https://example.com", "x", false},
      {"*.example.com", "https://.example.com", "x", false},
      {"*.example.com", "https://evilexample.com", "x", false},
      {"*.example.com", "https://a.example.com.evil", "x", false},
      {"*.example.com", "https://evil.com:a.example.com", "x", false},
      {"*.example.com", "https://evil.com/.example.com", "x", false},
      {"*.example.com", "https://evil.com?.example.com", "x", false},
      {"*.example.com", "https://evil.com#.example.com", "x", false},
      {"*.example.com", "https://evil.com@.example.com", "x", false},
      {"*.example.com", "https://evil.com\\.example.com", "x", false},
      {"*.example.com", "null", "x", false},
  });
}

TEST(OriginPolicy, NullIsAnOriginLikeAnyOther) {
  check({
      {"null", "null", "x", true},
      {"*", "null", "x", true},
      {"null", "NULL", "x", false},
      {"null", "http://null", "x", false},
      {"null", "http://example.com", "x", false},
      {"null", "nonsense", "x", false},
      {"*", "http://anything:1", "x", true},
  });
}

TEST(OriginPolicy, AnyEntryOfSeveralIsEnoughAndNoneLetsNobodyIn) {
  const std::vector<std::string> entries{"same", "https://a.com", "*.b.com"};
  EXPECT_TRUE(is_origin_allowed(entries, "http://h", "h"));
  EXPECT_TRUE(is_origin_allowed(entries, "https://a.com", "h"));
  EXPECT_TRUE(is_origin_allowed(entries, "https://x.b.com", "h"));
  EXPECT_FALSE(is_origin_allowed(entries, "https://c.com", "h"));
  EXPECT_FALSE(is_origin_allowed({}, "http://h", "h"));
}

TEST(InternalHost, IsAnAddressOrLocalhostOrAConfiguredName) {
  const std::vector<std::string> names{"push.internal", "Ops"};
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:8081", "10.1.2.3", "[::1]", "[::1]:8081", "[2001:db8::1]:1",
        "localhost", "LOCALHOST", "localhost:8081", "push.internal", "PUSH.internal:8081", "ops"}) {
    EXPECT_TRUE(is_internal_host(host, names)) << host;
  }
  for (const char* host : {"",
                           ":8081",
                           "evil.com",
                           "evil.com:8081",
                           "localhost.evil.com",
                           "evil.localhost",
                           "127.0.0.1.evil.com",
                           "127.0.0.1.nip.io",
                           "127.0.0",
                           "127.1",
                           "2130706433",
                           "0x7f.0.0.1",
                           "::1",
                           "[::1",
                           "[evil.com]",
                           "[127.0.0.1]",
                           "push.internal.evil.com",
                           "xpush.internal",
                           "[::1]evil.com",
                           "[]",
                           "256.0.0.1"}) {
    EXPECT_FALSE(is_internal_host(host, names)) << host;
  }
  EXPECT_FALSE(is_internal_host("push.internal", {}));
}

}  // namespace
}  // namespace wspush::auth
