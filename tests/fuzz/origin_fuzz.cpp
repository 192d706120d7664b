#include <string>
#include <vector>

#include "auth/origin_policy.hpp"
#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/http_oracle.hpp"

// Who may connect. The input: an Origin, a line end, a Host, a line end, entries of `origins` one a
// line. What must never happen is that an origin gets in by a name that is not its own.
namespace wspush::fuzz {
namespace {

struct PlainOrigin {
  bool is_tuple = false;
  std::string scheme;
  std::string host;
  std::string port;
};

void cut_authority(const std::string& authority, PlainOrigin& origin) {
  const std::size_t from = authority.starts_with('[') ? authority.find(']') : 0;
  const std::size_t colon = from == authority.npos ? authority.npos : authority.find(':', from);
  origin.host = authority.substr(0, colon);
  origin.port = colon == authority.npos ? "" : authority.substr(colon + 1);
}

PlainOrigin plain_origin(std::string_view text) {
  PlainOrigin origin;
  const std::string low = PlainHead::lower(text);
  const std::size_t mark = low.find("://");
  if (mark == low.npos || mark == 0) {
    return origin;
  }
  origin.scheme = low.substr(0, mark);
  const std::string authority = low.substr(mark + 3);
  if (authority.empty() || authority.find_first_of("/\\?#@ ") != authority.npos) {
    return origin;
  }
  cut_authority(authority, origin);
  if (origin.port.empty()) {
    const bool is_secure = origin.scheme == "https" || origin.scheme == "wss";
    const bool is_plain = origin.scheme == "http" || origin.scheme == "ws";
    origin.port = is_secure ? "443" : is_plain ? "80" : "";
  }
  origin.is_tuple = !origin.host.empty();
  return origin;
}

bool plain_is_same(const PlainOrigin& origin, std::string_view host) {
  PlainOrigin ours;
  cut_authority(PlainHead::lower(host), ours);
  const bool is_secure = origin.scheme == "https" || origin.scheme == "wss";
  const bool is_plain = origin.scheme == "http" || origin.scheme == "ws";
  const std::string port = !ours.port.empty() ? ours.port
                           : is_secure        ? "443"
                           : is_plain         ? "80"
                                              : "";
  return origin.is_tuple && origin.host == ours.host && origin.port == port;
}

bool plain_is_allowed(const std::string& entry, std::string_view text, std::string_view host) {
  const PlainOrigin origin = plain_origin(text);
  if (entry == "*") {
    return true;
  }
  if (!origin.is_tuple) {
    return entry == "null" && text == "null";
  }
  if (entry == "same") {
    return plain_is_same(origin, host);
  }
  if (entry.starts_with("*.")) {
    return origin.host.size() > entry.size() - 1 &&
           origin.host.ends_with(PlainHead::lower(entry).substr(1));
  }
  const PlainOrigin wanted = plain_origin(entry);
  return wanted.is_tuple && wanted.scheme == origin.scheme && wanted.host == origin.host &&
         wanted.port == origin.port;
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 2'000) {
    return;
  }
  Draw draw(input);
  const ByteView origin = draw.until('\n');
  const ByteView host = draw.until('\n');
  std::vector<std::string> entries;
  bool is_wanted = false;
  while (!draw.is_empty()) {
    entries.emplace_back(draw.until('\n'));
    const bool is_let_in = plain_is_allowed(entries.back(), origin, host);
    WSPUSH_CHECK(auth::is_origin_allowed({&entries.back(), 1}, origin, host) == is_let_in);
    is_wanted = is_wanted || is_let_in;
  }
  WSPUSH_CHECK(auth::is_origin_allowed(entries, origin, host) == is_wanted);
  WSPUSH_CHECK(auth::is_same_origin(origin, host) == plain_is_same(plain_origin(origin), host));

  const std::string name = "internal.example";
  PlainOrigin at;
  cut_authority(PlainHead::lower(host), at);
  const bool is_internal = auth::is_internal_host(host, {&name, 1});
  const bool is_literal =
      !at.host.empty() && (at.host[0] == '[' || (at.host[0] >= '0' && at.host[0] <= '9'));
  WSPUSH_CHECK(!is_internal || is_literal || at.host == "localhost" || at.host == name);
}

}  // namespace wspush::fuzz
