#include "cli/endpoint.hpp"

#include <algorithm>
#include <charconv>

#include "http/grammar.hpp"
#include "http/message_framing.hpp"

namespace wspush::cli {
namespace {

constexpr std::uint16_t kDefaultPort = 80;
constexpr std::uint16_t kDefaultTlsPort = 443;

/// Splits "name:port", "1.2.3.4", "[::1]:port", which is_valid_host() has passed.
bool split_authority(Endpoint& endpoint) {
  std::string_view host = endpoint.authority;
  std::string_view port;
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (host.starts_with('[')) {
    host = host.substr(1, host.size() - 2);
  }
  endpoint.host = host;
  endpoint.port = endpoint.uses_tls ? kDefaultTlsPort : kDefaultPort;
  if (!port.empty()) {
    const auto read = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (read.ec != std::errc{} || read.ptr != port.data() + port.size()) {
      return false;
    }
  }
  return !endpoint.host.empty() && endpoint.port != 0;
}

}  // namespace

Result<Endpoint, std::string> parse_endpoint(std::string_view url, Listener listener) {
  const std::string_view scheme = listener == Listener::kPublic ? "ws" : "http";
  const auto fail = [&](std::string why) {
    return Unexpected("\"" + std::string(url) + "\" " + std::move(why));
  };
  const std::string wanted = "is not " + std::string(scheme) + "://HOST:PORT or " +
                             std::string(scheme) + "s://HOST:PORT, optionally with a path prefix";
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) {
    return fail(wanted);
  }
  const std::string_view given = url.substr(0, colon);
  const bool uses_tls = http::equals_ignoring_case(given, std::string(scheme) + "s");
  if (!uses_tls && !http::equals_ignoring_case(given, scheme)) {
    return fail(wanted);
  }
  const std::string_view rest = url.substr(colon + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  Endpoint endpoint;
  endpoint.url = url;
  endpoint.uses_tls = uses_tls;
  endpoint.authority = rest.substr(0, slash);
  endpoint.path = rest.substr(slash);
  while (endpoint.path.ends_with('/')) {
    endpoint.path.pop_back();
  }
  if (!http::is_valid_host(endpoint.authority) || !split_authority(endpoint) ||
      !std::ranges::all_of(endpoint.path, http::is_target_char) ||
      endpoint.path.find('?') != std::string::npos) {
    return fail(wanted);
  }
  return endpoint;
}

std::string websocket_path(const Endpoint& endpoint) {
  return endpoint.path.ends_with("/ws") ? endpoint.path : endpoint.path + "/ws";
}

}  // namespace wspush::cli
