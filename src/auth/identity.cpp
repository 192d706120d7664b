#include "wspush/auth/identity.hpp"

#include "base/check.hpp"

namespace wspush::auth {

std::string_view describe(TokenError error) noexcept {
  switch (error) {
    case TokenError::kNoKeys:
      return "no key is configured that could check a token";
    case TokenError::kTooLarge:
      return "the token has more than 8 KiB";
    case TokenError::kMalformed:
      return "the token is not a signed JWT";
    case TokenError::kAlgorithm:
      return "no key is configured for the token's algorithm";
    case TokenError::kForbiddenHeader:
      return "the token's header has a member that is not taken";
    case TokenError::kUnknownKey:
      return "no key has the token's kid";
    case TokenError::kSignature:
      return "the token's signature is wrong";
    case TokenError::kInfoTooLarge:
      return "the token's info has more than 1 KiB";
    case TokenError::kClaims:
      return "a claim of the token is missing, of the wrong type or too large";
    case TokenError::kExpired:
      return "the token has expired";
    case TokenError::kNotYetValid:
      return "the token is not valid yet";
    case TokenError::kAudience:
      return "the token is for another audience";
    case TokenError::kIssuer:
      return "the token is from another issuer";
    case TokenError::kRevoked:
      return "the token was revoked";
  }
  WSPUSH_CHECK(false);
  return {};
}

}  // namespace wspush::auth
