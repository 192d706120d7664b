#include "auth/origin_policy.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace wspush::auth {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals_ignoring_case(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

struct HostPort {
  ByteView host;
  ByteView port;  ///< empty: none given
};

/// `host`, `host:port`, `[v6]`, `[v6]:port`.
HostPort split_host(ByteView authority) {
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == ByteView::npos) {
    return {authority, {}};
  }
  const std::size_t colon = authority.find(':', bracket);
  if (colon == ByteView::npos) {
    return {authority, {}};
  }
  return {authority.substr(0, colon), authority.substr(colon + 1)};
}

struct Origin {
  ByteView scheme;
  HostPort at;

  ByteView default_port() const {
    if (equals_ignoring_case(scheme, "https") || equals_ignoring_case(scheme, "wss")) {
      return "443";
    }
    return equals_ignoring_case(scheme, "http") || equals_ignoring_case(scheme, "ws")
               ? ByteView("80")
               : ByteView();
  }
  ByteView port() const { return at.port.empty() ? default_port() : at.port; }
};

/// False for `null` and whatever else is no scheme, host and port.
bool parse_origin(ByteView text, Origin& origin) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == ByteView::npos || scheme_end == 0) {
    return false;
  }
  const ByteView authority = text.substr(scheme_end + 3);
  if (authority.empty() || authority.find_first_of("/\\?#@ ") != ByteView::npos) {
    return false;
  }
  origin = {text.substr(0, scheme_end), split_host(authority)};
  return !origin.at.host.empty();
}

bool matches_exactly(const Origin& origin, ByteView entry) {
  Origin wanted;
  return parse_origin(entry, wanted) && equals_ignoring_case(origin.scheme, wanted.scheme) &&
         equals_ignoring_case(origin.at.host, wanted.at.host) && origin.port() == wanted.port();
}

bool matches_subdomain(const Origin& origin, ByteView entry) {
  const ByteView suffix = entry.substr(1);  // ".example.com"
  const ByteView host = origin.at.host;
  return host.size() > suffix.size() &&
         equals_ignoring_case(host.substr(host.size() - suffix.size()), suffix);
}

bool is_ip_literal(ByteView host) {
  std::array<char, INET6_ADDRSTRLEN + 1> text{};
  const bool is_v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const ByteView address = is_v6 ? host.substr(1, host.size() - 2) : host;
  if (address.size() >= text.size()) {
    return false;
  }
  std::copy(address.begin(), address.end(), text.begin());
  std::array<unsigned char, sizeof(in6_addr)> parsed;
  return inet_pton(is_v6 ? AF_INET6 : AF_INET, text.data(), parsed.data()) == 1;
}

}  // namespace

bool is_same_origin(ByteView origin_text, ByteView host) {
  Origin origin;
  if (!parse_origin(origin_text, origin)) {
    return false;
  }
  const HostPort ours = split_host(host);
  // A Host without a port has the default one of the scheme that the page was loaded by: behind a
  // TLS proxy that is not ours.
  const ByteView our_port = ours.port.empty() ? origin.default_port() : ours.port;
  return equals_ignoring_case(origin.at.host, ours.host) && origin.port() == our_port;
}

bool is_origin_allowed(std::span<const std::string> allowed, ByteView origin_text, ByteView host) {
  Origin origin;
  const bool is_tuple = parse_origin(origin_text, origin);
  return std::any_of(allowed.begin(), allowed.end(), [&](ByteView entry) {
    if (entry == "*") {
      return true;
    }
    if (!is_tuple) {
      return entry == "null" && origin_text == "null";
    }
    if (entry == "same") {
      return is_same_origin(origin_text, host);
    }
    return entry.starts_with("*.") ? matches_subdomain(origin, entry)
                                   : matches_exactly(origin, entry);
  });
}

bool is_internal_host(ByteView host_header, std::span<const std::string> names) {
  const ByteView host = split_host(host_header).host;
  return equals_ignoring_case(host, "localhost") || is_ip_literal(host) ||
         std::any_of(names.begin(), names.end(),
                     [&](ByteView name) { return equals_ignoring_case(name, host); });
}

}  // namespace wspush::auth
