#include "api/api_error.hpp"

#include <utility>

namespace wspush::api {

ApiError bad_request(std::string message) {
  return {.status = 400, .code = "bad_request", .message = std::move(message)};
}

ApiError forbidden(std::string message) {
  return {.status = 403, .code = "forbidden", .message = std::move(message)};
}

ApiError not_found(std::string message) {
  return {.status = 404, .code = "not_found", .message = std::move(message)};
}

ApiError too_large(std::string message) {
  return {.status = 413, .code = "too_large", .message = std::move(message)};
}

ApiError not_json(const JsonError& error, metrics::ReactorMetrics& metrics) {
  if (error.is_too_deep) {
    metrics.limit_hit(metrics::Limit::kJsonDepth);
  }
  return bad_request("this is not JSON: " + std::string(error.text) + " at byte " +
                     std::to_string(error.offset));
}

ApiError error_of(hub::HubError error) {
  switch (error) {
    case hub::HubError::kTopicLimit:
      return {.status = 429, .code = "limit_exceeded", .message = "too many topics"};
    case hub::HubError::kForbidden:
      return forbidden("no rule fits the topic");
    case hub::HubError::kUnavailable:
      return {.status = 503, .code = "unavailable", .message = "messages cannot be taken now"};
    case hub::HubError::kNotSubscribed:
    case hub::HubError::kAlreadySubscribed:
    case hub::HubError::kSubscriptionLimit:
      break;
  }
  return {.status = 500, .code = "internal_error", .message = "an answer that was not asked for"};
}

http::Response response_of(const ApiError& error) {
  http::Response response = http::error_response(error.status, error.code, error.message);
  if (error.status == 401) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
  } else if (error.status == 503) {
    response.headers.emplace_back("Retry-After", "1");
  }
  return response;
}

void append_error_member(std::string& out, const ApiError& error) {
  out.append(R"("error":{"code":)");
  append_json_string(out, error.code);
  out.append(R"(,"message":)");
  append_json_string(out, error.message);
  out.push_back('}');
}

http::Response json_response(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

}  // namespace wspush::api
