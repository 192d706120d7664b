#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wspush/base/clock.hpp"

namespace wspush::auth {

/// Who a client is and what its token lists: what was read from a JWT whose signature and times
/// were good. Immutable, so that everything on its connection may share it. Thread: any.
struct Identity {
  std::string user;      ///< `sub`: 1 to 255 bytes of UTF-8
  std::string token_id;  ///< `jti`; empty: none
  std::string info;      ///< `info` as JSON text, for other members to see; empty: none
  std::vector<std::string> subscribe;  ///< topics and patterns
  std::vector<std::string> publish;    ///< likewise
  std::optional<WallTime> issued_at;   ///< `iat`
  std::optional<WallTime> expires_at;  ///< `exp`, without the clock skew that is granted
};

/// Null: anonymous.
using IdentityRef = std::shared_ptr<const Identity>;

/// Why a token is not taken. To the client all are `unauthenticated` but kExpired, which is
/// `token_expired`: for that one a new token helps.
enum class TokenError : std::uint8_t {
  kNoKeys,           ///< no key is configured that could check one
  kTooLarge,         ///< more than kTokenBytesMax
  kMalformed,        ///< not three parts of base64url with JSON objects in the first two
  kAlgorithm,        ///< `none`, an unknown one, or one that no key is configured for
  kForbiddenHeader,  ///< `jwk`, `jku`, `x5u`, `x5c`: a token that brings its own key; `crit`
  kUnknownKey,       ///< no key has its `kid`
  kSignature,
  kInfoTooLarge,  ///< more than kInfoBytesMax
  kClaims,        ///< `sub` is missing, or a claim has the wrong type or is too large
  kExpired,
  kNotYetValid,  ///< `nbf`
  kAudience,
  kIssuer,
  kRevoked,  ///< through the API
};

/// A short English phrase for the client; static. It never quotes the token.
std::string_view describe(TokenError error) noexcept;

/// Built in: room for about a hundred topics.
inline constexpr std::size_t kTokenBytesMax = 8 << 10;
/// Of `info`, as JSON text.
inline constexpr std::size_t kInfoBytesMax = 1 << 10;
/// Of `sub` and of `jti`.
inline constexpr std::size_t kNameClaimBytesMax = 255;

}  // namespace wspush::auth
