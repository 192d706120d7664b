#pragma once

#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/hub/subscriber.hpp"

#include "base/json.hpp"
#include "http/response.hpp"
#include "metrics/reactor_metrics.hpp"

namespace wspush::api {

/// Why a request, or one message of many, was refused.
struct ApiError {
  int status = 400;     ///< of the answer, where the request is refused as a whole
  ByteView code;        ///< the contract's word; static
  std::string message;  ///< one short English phrase
};

// The usual ones.
ApiError bad_request(std::string message);
ApiError forbidden(std::string message);
ApiError not_found(std::string message);
ApiError too_large(std::string message);
/// Says where the text stops being JSON; counts one that is too deep.
ApiError not_json(const JsonError& error, metrics::ReactorMetrics& metrics);

/// What the hub's refusal means to a back end. Errors that only subscribers get are ours (500).
ApiError error_of(hub::HubError error);

http::Response response_of(const ApiError& error);

/// Appends `"error":{"code":"...","message":"..."}`, no braces around it.
void append_error_member(std::string& out, const ApiError& error);

/// An answer in JSON.
http::Response json_response(int status, std::string body);

}  // namespace wspush::api
