#pragma once

#include <string>

#include "wspush/base/clock.hpp"

namespace wspush::api {

/// `2026-07-14T09:30:00.250Z`. Times outside of the years 1970 to 9999 become the nearest in them.
/// Source: RFC 3339 §5.6.
std::string rfc3339_utc(WallTime time);

}  // namespace wspush::api
