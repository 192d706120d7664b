#pragma once

#include <memory>

#include "api/routes.hpp"
#include "server/http_session.hpp"

namespace wspush::server {

/// What back ends and operators use: the endpoints of api/. `context` outlives the router.
std::unique_ptr<Router> make_internal_router(api::ApiContext& context);

}  // namespace wspush::server
