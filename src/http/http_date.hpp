#pragma once

#include <string>

#include "wspush/base/clock.hpp"

namespace wspush::http {

/// `time` as in "Sun, 06 Nov 1994 08:49:37 GMT", for the Date header: 29 bytes. Whole seconds,
/// rounded down; a time before 1970 or after 9999 becomes the nearest within. Independent of locale
/// and time zone. Source: RFC 9110 §5.6.7.
std::string http_date(WallTime time);

}  // namespace wspush::http
