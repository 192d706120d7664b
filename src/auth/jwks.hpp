#pragma once

#include <string>
#include <vector>

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"

#include "auth/verification_key.hpp"

namespace wspush::auth {

/// Keys of one set. A token without `kid` may have to be tried against several.
inline constexpr std::size_t kJwksKeysMax = 100;

/// The keys of a JWK Set that signatures can be checked with: `oct` (HMAC), `RSA`, `EC` on P-256
/// and `OKP` with Ed25519. A key with `alg` takes that algorithm alone. Keys for something else
/// (`use` other than `sig`, `key_ops` without `verify`, an `alg` or type that we do not take) are
/// passed over, as RFC 7517 §5 wants it.
///
/// Errors: which key (`keys[2]`) has what wrong with it; no key is left; two keys with one `kid`
/// for one algorithm. A key's content is never part of them. Pure. Thread: any.
/// Source: RFC 7517, RFC 7518 §6, RFC 8037 §2.
Result<std::vector<VerificationKey>, std::string> parse_jwks(ByteView text);

}  // namespace wspush::auth
