#pragma once

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"
#include "wspush/config/config.hpp"

#include "api/api_context.hpp"
#include "api/api_error.hpp"
#include "api/caller.hpp"

namespace wspush::api {

/// The rule of a topic that a request names, if the topic is one (else `bad_topic`), a rule fits it
/// and the caller's key is for it (else `forbidden`).
/// Lifetime: the rule is that of `context.rules`, for this turn.
Result<const config::TopicRule*, ApiError> admit(ByteView topic, auth::ApiRight right,
                                                 Caller& caller, ApiContext& context);

/// The same for publishing, of the topics of one request after the other: the last one that was
/// admitted costs a look at `caller.last_admitted`, which it is afterwards.
Result<const config::TopicRule*, ApiError> admit_next(ByteView topic, Caller& caller,
                                                      ApiContext& context);

}  // namespace wspush::api
