#include "api/guards.hpp"

#include <string>

#include "auth/origin_policy.hpp"

namespace wspush::api {
namespace {

/// The host of `host:port` or `[v6]:port`; none in `unix:/path`.
std::string host_of_address(ByteView address) {
  if (address.starts_with("unix:")) {
    return {};
  }
  return std::string(address.substr(0, address.rfind(':')));
}

}  // namespace

std::optional<ApiError> check_not_from_a_page(const http::RequestHead& head,
                                              const config::Internal& internal) {
  bool is_foreign = false;
  head.headers.for_each("Origin", [&](ByteView origin) {
    is_foreign = is_foreign || !auth::is_same_origin(origin, head.host);
  });
  if (is_foreign) {
    return forbidden("the Origin is not this server's own");
  }
  if (head.host.empty() && !head.headers.contains("Host")) {
    return std::nullopt;
  }
  if (auth::is_internal_host(head.host, internal.hosts)) {
    return std::nullopt;
  }
  const std::string own_name = host_of_address(internal.address);
  if (!own_name.empty() && auth::is_internal_host(head.host, {&own_name, 1})) {
    return std::nullopt;
  }
  return forbidden("the Host is not one of internal.hosts");
}

}  // namespace wspush::api
