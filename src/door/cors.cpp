#include "door/cors.hpp"

#include "auth/origin_policy.hpp"

namespace wspush::door {

Cors judge_cors(const http::RequestHead& head, const config::Config& config) {
  const auto origin = head.headers.find("Origin");
  if (!origin) {
    return {};
  }
  if (head.headers.count("Origin") != 1 ||
      !auth::is_origin_allowed(config.origins, *origin, head.host)) {
    return {.is_refused = true, .origin = {}};
  }
  return {.is_refused = false, .origin = std::string(*origin)};
}

void add_cors_headers(const Cors& cors, http::Response& response) {
  response.headers.emplace_back("Vary", "Origin");
  if (cors.origin.empty()) {
    return;
  }
  response.headers.emplace_back("Access-Control-Allow-Origin", cors.origin);
  response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
  response.headers.emplace_back("Access-Control-Expose-Headers", "Wspush-Last, Retry-After");
}

http::Response preflight_response(const Cors& cors) {
  http::Response response{.status = 204, .content_type = {}, .body = {}, .headers = {}};
  response.headers.emplace_back("Allow", kReadMethods);
  add_cors_headers(cors, response);
  if (!cors.origin.empty()) {
    response.headers.emplace_back("Access-Control-Allow-Methods", "GET");
    // What EventSource and its replacements for programs add to a request.
    response.headers.emplace_back("Access-Control-Allow-Headers",
                                  "Authorization, Cache-Control, Last-Event-ID");
    // The longest that a browser keeps it; each request is judged anew all the same.
    response.headers.emplace_back("Access-Control-Max-Age", "7200");
  }
  return response;
}

}  // namespace wspush::door
