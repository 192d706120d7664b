#pragma once

#include "api/route.hpp"

namespace wspush::api {

/// GET /api/connections?user=&limit=: the oldest first.
Route list_connections(const Request& request);
/// GET /api/connections/{id}
Route view_connection(const Request& request);
/// DELETE /api/connections/{id}: closes it with 4003.
Route end_connection(const Request& request);
/// DELETE /api/users/{user}/connections
Route end_connections_of_user(const Request& request);

}  // namespace wspush::api
