#pragma once

#include "api/route.hpp"

namespace wspush::api {

/// GET /api/topics?prefix=&limit=: sorted by name. A key that is only for some topics sees those.
Route list_topics(const Request& request);
/// GET /api/topics/{topic}
Route view_topic(const Request& request);
/// GET /api/topics/{topic}/messages?after=&limit=: what the `history` command says.
Route read_history(const Request& request);
/// DELETE /api/topics/{topic}/messages: a new epoch, nothing kept.
Route clear_history(const Request& request);

}  // namespace wspush::api
