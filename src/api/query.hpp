#pragma once

#include <cstdint>

#include "wspush/base/result.hpp"
#include "wspush/hub/subscriber.hpp"

#include "api/api_error.hpp"
#include "http/request_target.hpp"

namespace wspush::api {

struct LimitBounds {
  std::uint32_t if_absent;
  std::uint32_t max;  ///< more is clipped to it
};

/// `?limit=`: a whole number from 1 on.
Result<std::uint32_t, ApiError> read_limit(const http::RequestTarget& target, LimitBounds bounds);

/// `?after=`: a message id or `first`. Without it: kNext.
Result<hub::After, ApiError> read_after(const http::RequestTarget& target);

}  // namespace wspush::api
