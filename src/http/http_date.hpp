#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "wspush/base/clock.hpp"

namespace wspush::http {

/// `time` as in "Sun, 06 Nov 1994 08:49:37 GMT", for the Date header: 29 bytes. Whole seconds,
/// rounded down; a time before 1970 or after 9999 becomes the nearest within. Independent of locale
/// and time zone. Source: RFC 9110 §5.6.7.
std::string http_date(WallTime time);

/// The same, made once a second: for whoever answers many requests. Thread: its owner's.
class HttpDateClock {
 public:
  /// Lifetime of the text: until the next call.
  std::string_view at(WallTime time);

 private:
  std::chrono::seconds second_{-1};  ///< since 1970; what `text_` says
  std::string text_;
};

}  // namespace wspush::http
