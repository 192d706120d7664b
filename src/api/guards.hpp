#pragma once

#include <optional>

#include "wspush/config/config.hpp"

#include "api/api_error.hpp"
#include "http/request_head.hpp"

namespace wspush::api {

/// What every request of the internal listener has to pass, keys or not: a web page can reach
/// loopback too, by itself (its `Origin` is not ours) or by a name that it points to 127.0.0.1 (its
/// `Host` is none of ours).
///
/// `Host` may be an IP literal, `localhost`, one of `hosts`, or the name in `address`. A request
/// without Host (HTTP/1.0, a health check) is let in: no browser leaves it out.
std::optional<ApiError> check_not_from_a_page(const http::RequestHead& head,
                                              const config::Internal& internal);

}  // namespace wspush::api
