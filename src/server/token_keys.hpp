#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wspush/base/result.hpp"
#include "wspush/config/config.hpp"

#include "auth/jwt_verifier.hpp"

namespace wspush::server {

/// A key of the configuration that names a file of which no key for tokens comes.
struct TokenKeyFault {
  std::string key;  ///< "auth.jwks_file"
  std::string message;
};

/// Of a JWKS or PEM file.
inline constexpr std::size_t kKeyFileBytesMax = 1 << 20;

/// The keys of `auth` and what else tokens are judged by; may block on the disk. Without any key a
/// verifier that takes no token. The secret of `hmac_secret_file` is in `hmac_secret` by then.
/// Errors: all faults.
Result<std::shared_ptr<const auth::JwtVerifier>, std::vector<TokenKeyFault>> open_token_keys(
    const config::Auth& auth);

}  // namespace wspush::server
