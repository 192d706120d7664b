#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "wspush/base/bytes.hpp"

#include "cli/options.hpp"

// The requests of `wspush pub` to the internal listener. Pure.
namespace wspush::cli {

/// The Content-Type for a payload: as `type` says, or by what the payload is. Cost: O(payload).
std::string_view content_type_of(ByteView payload, PayloadType type);

/// The head of `POST /api/topics/{topic}/messages`, for a body of `payload_bytes`.
std::string encode_publish_head(const Options& options, std::string_view content_type,
                                std::size_t payload_bytes);

/// The head of `POST /api/messages`; the body follows in chunks.
std::string encode_stream_head(const Options& options);

/// What to do about a refusal, for the user; empty where there is nothing to say.
std::string_view remedy_for(int status);

}  // namespace wspush::cli
