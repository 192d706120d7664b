#pragma once

#include <string>

#include "wspush/config/config.hpp"

#include "http/request_head.hpp"
#include "http/response.hpp"

// What browsers want to know before a page of another origin may ask, and before it may see the
// answer. WebSocket handshakes have no such rules. Source: Fetch Standard, "HTTP-CORS protocol".
namespace wspush::door {

/// What the `Origin` of a request means for its answer.
struct Cors {
  bool is_refused = false;  ///< there is one that `origins` does not let in, or two
  std::string origin;       ///< that may see the answer; empty: none asked, or is_refused
};

/// By `origins` of the configuration, the same for every door. Without an Origin: not a browser.
Cors judge_cors(const http::RequestHead& head, const config::Config& config);

/// The headers with which a page of `cors.origin` may read `response`; and `Vary` in any case.
void add_cors_headers(const Cors& cors, http::Response& response);

/// The answer to OPTIONS: which methods and headers a request from `cors.origin` may have.
http::Response preflight_response(const Cors& cors);

/// The methods of a path that has answers for browsers, as `Allow` says them.
inline constexpr const char* kReadMethods = "GET, OPTIONS";

}  // namespace wspush::door
