#pragma once

#include "api/route.hpp"

namespace wspush::api {

/// GET /healthz: the process lives and its loop turns.
Route healthz(const Request& request);
/// GET /readyz: it wants clients; 503 while it drains or what it needs is away.
Route readyz(const Request& request);

}  // namespace wspush::api
