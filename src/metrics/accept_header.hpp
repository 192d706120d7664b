#pragma once

#include <string_view>

#include "wspush/base/bytes.hpp"

namespace wspush::metrics {

/// How much an `Accept` header wants one format.
struct Preference {
  int quality = 0;        ///< the weight in thousandths, 0 to 1000; 0: not wanted
  bool is_named = false;  ///< by its own name, not by `*/*` or `text/*`
};

/// What `accept` says of `media_type` ("text/plain") in `version`: the most specific range decides;
/// ranges that ask for another version, or whose weight is malformed, say nothing. Parameters that
/// we do not know are passed over. Pure; linear. Source: RFC 9110 §12.4.2, §12.5.1.
Preference preference_for(ByteView accept, std::string_view media_type, std::string_view version);

}  // namespace wspush::metrics
