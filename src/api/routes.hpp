#pragma once

#include "api/route.hpp"

namespace wspush::api {

/// Chooses who answers a request of the internal listener, by its path and method, after the guards
/// and the API key. Unknown paths get 404, unknown methods 405, requests that may not get their
/// refusal: the route always has a handler.
///
/// `exchange.head()` must be valid. `to` names this exchange in answers of the hub; its `item` is
/// the endpoint's to use. Thread: the reactor's. Lifetime: `context` outlives the handler.
Route route(http::Exchange& exchange, const hub::ReplyTo& to, ApiContext& context);

}  // namespace wspush::api
