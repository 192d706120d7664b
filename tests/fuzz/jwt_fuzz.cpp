#include <string>
#include <vector>

#include "wspush/hub/topic_name.hpp"

#include "auth/jwks.hpp"
#include "auth/jwt_signer.hpp"
#include "auth/jwt_verifier.hpp"
#include "base/base64.hpp"
#include "base/check.hpp"
#include "base/json.hpp"
#include "base/utf8.hpp"
#include "fuzz/fuzz.hpp"

// Tokens from strangers. The first line says what the rest is:
//   token    a token as it comes: none that we did not sign is taken
//   claims   a header, a line end, claims: signed by us, so that what is behind the signature is
//            reached, and judged by a slow reader of its own
//   jwks     a key set
namespace wspush::fuzz {
namespace {

constexpr WallTime kNow{std::chrono::milliseconds(1'800'000'000'000)};
const std::string kSecret = "0123456789abcdef0123456789abcdef";

/// A secret without a name, and public keys of each type whose private halves nobody has.
const auth::JwtVerifier& verifier() {
  static const auth::JwtVerifier kVerifier = [] {
    auto keys = auth::parse_jwks(
        R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
        R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"e"},)"
        R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
    WSPUSH_CHECK(keys.has_value());
    keys->push_back(auth::VerificationKey::from_secret(kSecret));
    return auth::JwtVerifier(std::move(*keys),
                             {.audience = "push", .issuer = {}, .clock_skew = {}});
  }();
  return kVerifier;
}

void check_identity(const auth::Identity& identity) {
  WSPUSH_CHECK(!identity.user.empty() && identity.user.size() <= auth::kNameClaimBytesMax);
  WSPUSH_CHECK(is_valid_utf8(identity.user) && is_valid_utf8(identity.token_id));
  WSPUSH_CHECK(identity.info.size() <= auth::kInfoBytesMax);
  WSPUSH_CHECK(identity.info.empty() || check_json(identity.info).has_value());
  WSPUSH_CHECK(!identity.expires_at || *identity.expires_at > kNow);
  for (const std::vector<std::string>* list : {&identity.subscribe, &identity.publish}) {
    for (const std::string& name : *list) {
      WSPUSH_CHECK(hub::is_pattern(name));
    }
  }
}

/// Whether the last dot is followed by the HMAC of what is before it.
bool is_signed_by_us(ByteView token) {
  const std::size_t dot = token.rfind('.');
  if (dot == ByteView::npos) {
    return false;
  }
  for (const auth::Algorithm each :
       {auth::Algorithm::kHs256, auth::Algorithm::kHs384, auth::Algorithm::kHs512}) {
    if (base64url_encode(auth::hmac_of(each, kSecret, token.substr(0, dot))) ==
        token.substr(dot + 1)) {
      return true;
    }
  }
  return false;
}

void run_token(ByteView token) {
  const auto identity = verifier().verify(token, kNow);
  if (identity) {
    check_identity(**identity);
    WSPUSH_CHECK(is_signed_by_us(token) && token.size() <= auth::kTokenBytesMax);
  }
}

void run_claims(ByteView header, ByteView claims) {
  const auto signer = auth::JwtSigner::from_secret(kSecret, auth::Algorithm::kHs256);
  const std::string token = signer.sign_with_header(header, claims);
  const auto identity = verifier().verify(token, kNow);
  if (!identity) {
    // Signed as its header says, it is refused for another reason.
    WSPUSH_CHECK(header != R"({"alg":"HS256"})" ||
                 identity.error() != auth::TokenError::kSignature);
    return;
  }
  check_identity(**identity);
  for (const ByteView forbidden : {"jwk", "jku", "x5u", "x5c", "crit"}) {
    const auto object = parse_json_object(header);
    WSPUSH_CHECK(object && object->find(forbidden) == nullptr);
  }
  const auto object = parse_json_object(claims);
  WSPUSH_CHECK(object.has_value());
  std::string scratch;
  if (const JsonValue* user = object->find("sub")) {
    WSPUSH_CHECK(user->string(scratch) == (*identity)->user);
  }
  // Cut by one byte nothing of it is good.
  WSPUSH_CHECK(!verifier().verify(ByteView(token).substr(1), kNow));
  WSPUSH_CHECK(!verifier().verify(ByteView(token).substr(0, token.size() - 1), kNow));
}

void run_jwks(ByteView text) {
  const auto keys = auth::parse_jwks(text);
  if (keys) {
    WSPUSH_CHECK(!keys->empty() && keys->size() <= auth::kJwksKeysMax);
    for (const auth::VerificationKey& key : *keys) {
      WSPUSH_CHECK(!key.verifies(auth::Algorithm::kEs256, "text", std::string(64, '\1')));
      WSPUSH_CHECK(!key.verifies(auth::Algorithm::kEdDsa, "text", std::string(64, '\1')));
      WSPUSH_CHECK(!key.verifies(auth::Algorithm::kHs256, "text", std::string(32, '\1')));
    }
  }
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 20'000) {
    return;
  }
  Draw draw(input);
  const ByteView kind = draw.until('\n');
  if (kind == "token") {
    run_token(draw.rest());
  } else if (kind == "claims") {
    const ByteView header = draw.until('\n');
    run_claims(header, draw.rest());
  } else if (kind == "jwks") {
    run_jwks(draw.rest());
  }
}

}  // namespace wspush::fuzz
