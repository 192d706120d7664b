#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "wspush/auth/identity.hpp"
#include "wspush/base/bytes.hpp"
#include "wspush/base/clock.hpp"
#include "wspush/base/result.hpp"

#include "auth/verification_key.hpp"

namespace wspush::auth {

/// What tokens are checked against, of one generation of the configuration.
///
///   base64url(header) "." base64url(claims) "." base64url(signature)
///
/// A token is judged in this order, so that nothing of it is believed before its signature: size,
/// form, header, signature, claims. Its header only picks among the configured keys: the algorithm
/// must be one that the key takes, and `kid` the key's where a key has one. What would bring a key
/// along (`jwk`, `jku`, `x5u`, `x5c`) refuses the token.
///
/// Immutable. Thread: any. Source: RFC 7515, RFC 7519, RFC 8725.
class JwtVerifier {
 public:
  struct Options {
    std::string audience;                     ///< must be in `aud`; empty: not looked at
    std::string issuer;                       ///< must be `iss`; empty: not looked at
    std::chrono::milliseconds clock_skew{0};  ///< for `exp` and `nbf`
  };
  /// A token without `kid` is tried against so many keys of its algorithm, for each costs 0.1 ms.
  static constexpr std::size_t kTriesMax = 8;

  JwtVerifier(std::vector<VerificationKey> keys, Options options)
      : keys_(std::move(keys)), options_(std::move(options)) {}

  bool has_keys() const { return !keys_.empty(); }
  /// Who the token names, at real time `now`. Cost: about that of one signature.
  Result<IdentityRef, TokenError> verify(ByteView token, WallTime now) const;

 private:
  Result<void, TokenError> check_signature(Algorithm algorithm, const std::string* kid,
                                           ByteView text, ByteView signature) const;

  std::vector<VerificationKey> keys_;
  Options options_;
};

}  // namespace wspush::auth
