#pragma once

#include <span>

#include "wspush/base/bytes.hpp"
#include "wspush/config/config.hpp"

namespace wspush::auth {

/// The configured key that `presented` is, or null. Every key is compared in constant time, and all
/// of them are, so that the time tells neither a prefix nor which one it was.
const config::ApiKey* find_api_key(std::span<const config::ApiKey> keys, ByteView presented);

/// What a request does with a topic.
enum class ApiRight : unsigned char { kPublish, kRead };

/// Whether `key` (null: loopback without keys, everything) may do it with `topic`.
bool is_permitted(const config::ApiKey* key, ApiRight right, ByteView topic);
/// Whether it may at all, for requests that name no topic.
bool has_right(const config::ApiKey* key, ApiRight right);

}  // namespace wspush::auth
