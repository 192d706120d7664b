#pragma once

#include "wspush/config/config.hpp"

#include "config/binder.hpp"
#include "config/fault_list.hpp"

namespace wspush::config {

inline constexpr std::size_t kSecretBytesMax = 64U << 10;
inline constexpr std::size_t kApiKeysFileBytesMax = 1U << 20;

/// Reads the files behind `auth.hmac_secret_file`, `internal.api_keys_file` and
/// `engine.redis.password_file` into the members they stand for, without the line end at the end.
/// Faults: a file that cannot be read, is empty, or is too large; a secret that is given in both
/// ways. They name the key and the file, never the content. May block.
void read_secret_files(Config& config, const GivenKeys& given, FaultList& faults);

}  // namespace wspush::config
