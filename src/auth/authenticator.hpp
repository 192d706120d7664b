#pragma once

#include <memory>

#include "wspush/auth/identity.hpp"
#include "wspush/base/bytes.hpp"
#include "wspush/base/clock.hpp"
#include "wspush/base/result.hpp"

#include "auth/jwt_verifier.hpp"
#include "auth/revocations.hpp"

namespace wspush::auth {

/// One reactor's judge of tokens: the configuration's keys and claims, which all reactors share,
/// and its own copy of what was revoked. Thread: the reactor's own.
class Authenticator {
 public:
  /// Without keys: no token is taken.
  Authenticator() = default;
  explicit Authenticator(SipKey key, std::shared_ptr<const JwtVerifier> verifier = nullptr)
      : verifier_(std::move(verifier)), revocations_(key) {}

  /// From now on; who was let in before stays so.
  void use(std::shared_ptr<const JwtVerifier> verifier) { verifier_ = std::move(verifier); }

  Result<IdentityRef, TokenError> authenticate(ByteView token, WallTime wall, TimePoint now) const {
    if (verifier_ == nullptr) {
      return Unexpected(TokenError::kNoKeys);
    }
    auto identity = verifier_->verify(token, wall);
    if (identity && revocations_.covers(**identity, now)) {
      return Unexpected(TokenError::kRevoked);
    }
    return identity;
  }

  Revocations& revocations() { return revocations_; }
  const Revocations& revocations() const { return revocations_; }

 private:
  std::shared_ptr<const JwtVerifier> verifier_;
  Revocations revocations_;
};

}  // namespace wspush::auth
