#include "auth/jwt_verifier.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "wspush/hub/topic_name.hpp"

#include "base/base64.hpp"
#include "base/json.hpp"

namespace wspush::auth {
namespace {

using std::chrono::milliseconds;

/// 285,000 years: so that no sum of times wraps.
constexpr double kSecondsMax = 9e12;

struct Parts {
  std::string header;
  std::string claims;
  std::string signature;
  ByteView signed_text;
};

std::optional<Parts> cut(ByteView token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == ByteView::npos ? first : token.find('.', first + 1);
  if (second == ByteView::npos || token.find('.', second + 1) != ByteView::npos) {
    return std::nullopt;
  }
  auto header = base64url_decode(token.substr(0, first));
  auto claims = base64url_decode(token.substr(first + 1, second - first - 1));
  auto signature = base64url_decode(token.substr(second + 1));
  if (!header || !claims || !signature) {
    return std::nullopt;
  }
  return Parts{std::move(*header), std::move(*claims), std::move(*signature),
               token.substr(0, second)};
}

/// Hands every member of the JSON object `text` to `take(name, value)`, until that refuses one.
/// Errors: kMalformed, also where one of `known` comes twice (RFC 7515 §4, RFC 7519 §4: of two, one
/// party could believe the first and another the last); what `take` returned.
template <typename Take>
std::optional<TokenError> read_members(ByteView text, std::span<const ByteView> known,
                                       Take&& take) {
  const auto value = parse_json(text);
  if (!value || !value->is_object()) {
    return TokenError::kMalformed;
  }
  std::uint32_t seen = 0;
  std::string scratch;
  for (JsonMembers members(*value); members.next();) {
    const ByteView name = members.member().key(scratch);
    const auto found = std::ranges::find(known, name);
    if (found == known.end()) {
      continue;
    }
    const std::uint32_t bit = 1U << (found - known.begin());
    if ((seen & bit) != 0) {
      return TokenError::kMalformed;
    }
    seen |= bit;
    if (const auto error = take(*found, members.member().value)) {
      return error;
    }
  }
  return std::nullopt;
}

struct Header {
  std::optional<Algorithm> algorithm;
  std::optional<std::string> kid;
};

std::optional<TokenError> read_header(ByteView text, Header& header) {
  static constexpr std::array<ByteView, 7> kKnown = {"alg", "kid", "jwk", "jku",
                                                     "x5u", "x5c", "crit"};
  return read_members(text, kKnown,
                      [&](ByteView name, const JsonValue& value) -> std::optional<TokenError> {
                        if (name != "alg" && name != "kid") {
                          return TokenError::kForbiddenHeader;
                        }
                        if (!value.is_string()) {
                          return TokenError::kMalformed;
                        }
                        std::string scratch;
                        if (name == "alg") {
                          header.algorithm = parse_algorithm(value.string(scratch));
                        } else {
                          header.kid = value.string(scratch);
                        }
                        return std::nullopt;
                      });
}

/// NumericDate: seconds since 1970, perhaps with a fraction. RFC 7519 §2.
std::optional<WallTime> time_of(const JsonValue& value) {
  const auto seconds = value.as_double();
  if (!seconds) {
    return std::nullopt;
  }
  const double bounded = std::clamp(*seconds, -kSecondsMax, kSecondsMax);
  return WallTime(milliseconds(static_cast<std::int64_t>(std::floor(bounded * 1000))));
}

/// A string that is some thing's name: 1 to 255 bytes.
bool read_name(const JsonValue& value, std::string& into) {
  std::string scratch;
  into = value.string(scratch);
  return !into.empty() && into.size() <= kNameClaimBytesMax;
}

bool read_topics(const JsonValue& value, std::vector<std::string>& into) {
  if (!value.is_array()) {
    return false;
  }
  std::string scratch;
  for (const JsonValue element : value.elements()) {
    const ByteView name = element.string(scratch);
    if (!element.is_string() || !hub::is_pattern(name)) {
      return false;
    }
    into.emplace_back(name);
  }
  return true;
}

/// `aud` is one name or an array of them. RFC 7519 §4.1.3.
bool read_audience(const JsonValue& value, ByteView wanted, bool& has_wanted) {
  std::string scratch;
  if (value.is_string()) {
    has_wanted = value.string(scratch) == wanted;
    return true;
  }
  if (!value.is_array()) {
    return false;
  }
  for (const JsonValue element : value.elements()) {
    if (!element.is_string()) {
      return false;
    }
    has_wanted = has_wanted || element.string(scratch) == wanted;
  }
  return true;
}

/// What the claims say beside who it is.
struct Conditions {
  std::optional<WallTime> not_before;
  bool has_audience = false;  ///< the one that is wanted
  std::string issuer;
};

bool read_time(const JsonValue& value, std::optional<WallTime>& into) {
  into = time_of(value);
  return into.has_value();
}

bool read_claim(ByteView name, const JsonValue& value, ByteView audience, Identity& identity,
                Conditions& conditions) {
  if (name == "sub") {
    return read_name(value, identity.user);
  }
  if (name == "jti") {
    return read_name(value, identity.token_id);
  }
  if (name == "exp") {
    return read_time(value, identity.expires_at);
  }
  if (name == "nbf") {
    return read_time(value, conditions.not_before);
  }
  if (name == "iat") {
    return read_time(value, identity.issued_at);
  }
  if (name == "aud") {
    return read_audience(value, audience, conditions.has_audience);
  }
  if (name == "iss") {
    std::string scratch;
    conditions.issuer = value.string(scratch);
    return value.is_string();
  }
  if (name == "info") {
    identity.info = value.raw;
    return true;
  }
  return read_topics(value, name == "subscribe" ? identity.subscribe : identity.publish);
}

std::optional<TokenError> read_claims(ByteView text, ByteView audience, Identity& identity,
                                      Conditions& conditions) {
  static constexpr std::array<ByteView, 10> kKnown = {"sub", "jti", "exp",  "nbf",       "iat",
                                                      "aud", "iss", "info", "subscribe", "publish"};
  return read_members(text, kKnown,
                      [&](ByteView name, const JsonValue& value) -> std::optional<TokenError> {
                        if (name == "info" && value.raw.size() > kInfoBytesMax) {
                          return TokenError::kInfoTooLarge;
                        }
                        return read_claim(name, value, audience, identity, conditions)
                                   ? std::nullopt
                                   : std::optional(TokenError::kClaims);
                      });
}

}  // namespace

Result<void, TokenError> JwtVerifier::check_signature(Algorithm algorithm, const std::string* kid,
                                                      ByteView text, ByteView signature) const {
  // A key with the token's `kid` is the one that is meant; without such a key those without any
  // may be, for a key from a PEM file or a secret has none.
  const bool is_named =
      kid != nullptr && std::ranges::any_of(keys_, [&](const VerificationKey& key) {
        return !key.kid().empty() && key.kid() == *kid;
      });
  bool has_candidate = false;
  std::size_t tries = 0;
  for (const VerificationKey& key : keys_) {
    const bool is_candidate = is_named ? key.kid() == *kid : kid == nullptr || key.kid().empty();
    has_candidate = has_candidate || is_candidate;
    if (!is_candidate || !key.takes(algorithm)) {
      continue;
    }
    if (key.verifies(algorithm, text, signature)) {
      return {};
    }
    if (++tries == kTriesMax) {
      break;
    }
  }
  return Unexpected(!has_candidate ? TokenError::kUnknownKey
                    : tries == 0   ? TokenError::kAlgorithm
                                   : TokenError::kSignature);
}

Result<IdentityRef, TokenError> JwtVerifier::verify(ByteView token, WallTime now) const {
  if (keys_.empty()) {
    return Unexpected(TokenError::kNoKeys);
  }
  if (token.size() > kTokenBytesMax) {
    return Unexpected(TokenError::kTooLarge);
  }
  const auto parts = cut(token);
  if (!parts) {
    return Unexpected(TokenError::kMalformed);
  }
  Header header;
  if (const auto error = read_header(parts->header, header)) {
    return Unexpected(*error);
  }
  if (!header.algorithm) {
    return Unexpected(TokenError::kAlgorithm);
  }
  if (const auto checked = check_signature(*header.algorithm, header.kid ? &*header.kid : nullptr,
                                           parts->signed_text, parts->signature);
      !checked) {
    return Unexpected(checked.error());
  }
  auto identity = std::make_shared<Identity>();
  Conditions conditions;
  if (const auto error = read_claims(parts->claims, options_.audience, *identity, conditions)) {
    return Unexpected(*error);
  }
  if (identity->user.empty()) {
    return Unexpected(TokenError::kClaims);
  }
  if (!options_.audience.empty() && !conditions.has_audience) {
    return Unexpected(TokenError::kAudience);
  }
  if (!options_.issuer.empty() && conditions.issuer != options_.issuer) {
    return Unexpected(TokenError::kIssuer);
  }
  if (identity->expires_at && now >= *identity->expires_at + options_.clock_skew) {
    return Unexpected(TokenError::kExpired);
  }
  if (conditions.not_before && now + options_.clock_skew < *conditions.not_before) {
    return Unexpected(TokenError::kNotYetValid);
  }
  return IdentityRef(std::move(identity));
}

}  // namespace wspush::auth
