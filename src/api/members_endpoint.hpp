#pragma once

#include "api/route.hpp"

namespace wspush::api {

/// GET /api/topics/{topic}/members?limit=&cursor=: what the `members` command says. 400 where the
/// topic's rule keeps no presence.
Route list_members(const Request& request);

}  // namespace wspush::api
