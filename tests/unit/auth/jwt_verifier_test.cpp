#include "auth/jwt_verifier.hpp"

#include <chrono>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/jwks.hpp"
#include "base/base64.hpp"
#include "unit/auth/test_keys.hpp"

namespace wspush::auth {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr WallTime kNow{std::chrono::milliseconds(1'800'000'000'000)};

/// Nothing: the token is taken.
std::optional<TokenError> error_of(const JwtVerifier& verifier, ByteView token,
                                   WallTime now = kNow) {
  const auto identity = verifier.verify(token, now);
  return identity ? std::nullopt : std::optional(identity.error());
}

std::string hmac_token(ByteView claims) {
  return test::hmac_signer().sign(claims);
}

std::string with_header(ByteView header, ByteView claims = R"({"sub":"u"})") {
  return test::hmac_signer().sign_with_header(header, claims);
}

JwtVerifier verifier_of_set(const std::string& jwks) {
  return JwtVerifier(std::move(*parse_jwks(jwks)), {});
}

// --- signatures that others have made

constexpr const char* kClaimsOfTheRfc =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q";

// Their signatures are good: what is missed is `sub`, or the claims are no JSON. RFC 7515 §A.1,
// A.3; RFC 8037 §A.4.
TEST(JwtVerifier, KnowsTheSignaturesOfTheRfcs) {
  const JwtVerifier hmac = verifier_of_set(
      R"({"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i)"
      R"(PS4hcgUuTwjAzZr1Z9CAow"}]})");
  EXPECT_EQ(error_of(hmac, std::string("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.") +
                               kClaimsOfTheRfc + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            TokenError::kClaims);
  const JwtVerifier ec = verifier_of_set(
      R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
      R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})");
  EXPECT_EQ(
      error_of(ec, std::string("eyJhbGciOiJFUzI1NiJ9.") + kClaimsOfTheRfc +
                       ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQx"
                       "fKTUJqPP3-Kg6NU1Q"),
      TokenError::kClaims);
  const JwtVerifier ed = verifier_of_set(
      R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
  EXPECT_EQ(error_of(ed,
                     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
                     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sV"
                     "vpAr_MuM0KAg"),
            TokenError::kMalformed);
}

TEST(JwtVerifier, TakesEachAlgorithmWhereItsKeyIs) {
  for (const Algorithm each : {Algorithm::kHs256, Algorithm::kHs384, Algorithm::kHs512}) {
    EXPECT_EQ(error_of(test::hmac_verifier(), test::hmac_signer(each).sign(R"({"sub":"u"})")),
              std::nullopt);
  }
  for (const test::PemPair& pair : {test::rsa_pair(), test::ec_pair(), test::ed_pair()}) {
    const JwtVerifier verifier(test::keys_of(*VerificationKey::from_pem(pair.public_key)), {});
    const JwtSigner signer = *JwtSigner::from_pem(pair.private_key);
    EXPECT_EQ(error_of(verifier, signer.sign(R"({"sub":"u"})")), std::nullopt);
    EXPECT_EQ(error_of(verifier, hmac_token(R"({"sub":"u"})")), TokenError::kAlgorithm);
    EXPECT_EQ(error_of(test::hmac_verifier(), signer.sign(R"({"sub":"u"})")),
              TokenError::kAlgorithm);
  }
}

// --- hostile tokens

// The attacker has the public key, and signs an HMAC with it as the secret.
TEST(JwtVerifier, TakesNoHmacThatIsMadeWithAPublicKey) {
  for (const test::PemPair& pair : {test::rsa_pair(), test::ec_pair(), test::ed_pair()}) {
    const JwtVerifier verifier(test::keys_of(*VerificationKey::from_pem(pair.public_key)), {});
    for (const Algorithm each : {Algorithm::kHs256, Algorithm::kHs384, Algorithm::kHs512}) {
      const auto forged = JwtSigner::from_secret(pair.public_key, each);
      EXPECT_EQ(error_of(verifier, forged.sign(R"({"sub":"u"})")), TokenError::kAlgorithm);
    }
  }
}

TEST(JwtVerifier, TakesNoTokenWithoutASignature) {
  const JwtVerifier verifier = test::hmac_verifier();
  for (const ByteView name : {"none", "None", "NONE", "nOnE", "", "HS1"}) {
    const std::string header = R"({"alg":")" + std::string(name) + R"("})";
    EXPECT_EQ(error_of(verifier, with_header(header)), TokenError::kAlgorithm) << name;
    const std::string bare =
        base64url_encode(header) + '.' + base64url_encode(R"({"sub":"u"})") + '.';
    EXPECT_EQ(error_of(verifier, bare), TokenError::kAlgorithm) << name;
  }
  EXPECT_EQ(error_of(verifier, with_header("{}")), TokenError::kAlgorithm);
  const std::string good = hmac_token(R"({"sub":"u"})");
  EXPECT_EQ(error_of(verifier, good.substr(0, good.rfind('.') + 1)), TokenError::kSignature);
}

TEST(JwtVerifier, TakesNoTokenThatBringsItsOwnKey) {
  const JwtVerifier verifier = test::hmac_verifier();
  for (const ByteView member :
       {R"("jwk":{"kty":"oct","k":"AA"})", R"("jku":"https://evil.test/jwks")",
        R"("x5u":"https://evil.test/c")", R"("x5c":["AA"])", R"("crit":["b64"],"b64":false)",
        R"("crit":[])", R"("jku":null)", R"("\u006aku":"https://evil.test/")"}) {
    EXPECT_EQ(error_of(verifier, with_header(R"({"alg":"HS256",)" + std::string(member) + "}")),
              TokenError::kForbiddenHeader)
        << member;
  }
  // Behind more members than a small object has.
  std::string header = R"({"alg":"HS256")";
  for (int i = 0; i < 50; ++i) {
    header += ",\"x" + std::to_string(i) + "\":1";
  }
  EXPECT_EQ(error_of(verifier, with_header(header + "}")), std::nullopt);
  EXPECT_EQ(error_of(verifier, with_header(header + R"(,"jku":"https://evil.test/"})")),
            TokenError::kForbiddenHeader);
}

TEST(JwtVerifier, TakesNoMalformedToken) {
  const JwtVerifier verifier = test::hmac_verifier();
  const std::string good = hmac_token(R"({"sub":"u"})");
  ASSERT_EQ(error_of(verifier, good), std::nullopt);
  const std::string signed_part = good.substr(0, good.rfind('.'));
  for (const std::string& token :
       {std::string(), std::string("."), std::string(".."), std::string("..."), std::string("a"),
        std::string("a.b"), signed_part, good + ".", good + ".AA", "." + good, good + "=",
        good + "\n", good + " ", " " + good, good + std::string(1, '\0'), "Bearer " + good,
        std::string("e30") + good.substr(good.find('.') + 1),
        good.substr(0, good.rfind('.') + 1) + "A+/A",
        // One more bit than the bytes have.
        good.substr(0, good.size() - 1) + static_cast<char>(good.back() + 1)}) {
    EXPECT_EQ(error_of(verifier, token), TokenError::kMalformed) << token;
  }
  for (const ByteView header :
       {"", "null", "[]", "\"HS256\"", "{\"alg\":7}", "{\"alg\":\"HS256\"", "{\"alg\":\"HS256\",}",
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"\\u0061lg\":\"none\"}",
        "{\"alg\":\"HS256\",\"kid\":7}", "\xef\xbb\xbf{\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\"}{}"}) {
    EXPECT_EQ(error_of(verifier, with_header(header)), TokenError::kMalformed) << header;
  }
  for (const ByteView claims : {"", "null", "[]", "\"u\"", "{\"sub\":\"u\"", "{\"sub\":\"\xff\"}",
                                "{\"sub\":\"u\",\"sub\":\"admin\"}",
                                "{\"exp\":1,\"sub\":\"u\",\"e\\u0078p\":9999999999}"}) {
    EXPECT_EQ(error_of(verifier, hmac_token(claims)), TokenError::kMalformed) << claims;
  }
}

TEST(JwtVerifier, BelievesNothingBeforeTheSignature) {
  const JwtVerifier verifier = test::hmac_verifier();
  const auto other = JwtSigner::from_secret("another secret", Algorithm::kHs256);
  EXPECT_EQ(error_of(verifier, other.sign(R"({"sub":"u","exp":1})")), TokenError::kSignature);
  EXPECT_EQ(error_of(verifier, other.sign("no JSON")), TokenError::kSignature);
  const std::string good = hmac_token(R"({"sub":"u"})");
  const std::size_t dot = good.find('.');
  std::string changed = good;
  changed.replace(dot + 1, good.rfind('.') - dot - 1, base64url_encode(R"({"sub":"admin"})"));
  EXPECT_EQ(error_of(verifier, changed), TokenError::kSignature);
}

TEST(JwtVerifier, TakesEightKibibytesAndNotOneMore) {
  const JwtVerifier verifier = test::hmac_verifier();
  std::string claims = R"({"sub":"u","x":")";
  const auto token_of = [&](std::size_t filling) {
    return hmac_token(claims + std::string(filling, 'x') + "\"}");
  };
  std::size_t filling = 5900;
  while (token_of(filling + 1).size() <= kTokenBytesMax) {
    ++filling;
  }
  EXPECT_LE(token_of(filling).size(), kTokenBytesMax);
  EXPECT_EQ(error_of(verifier, token_of(filling)), std::nullopt);
  EXPECT_EQ(error_of(verifier, token_of(filling + 1)), TokenError::kTooLarge);
  EXPECT_EQ(error_of(verifier, std::string(1 << 20, '.')), TokenError::kTooLarge);
}

// --- which key

TEST(JwtVerifier, ChoosesTheKeyByItsKid) {
  const JwtVerifier verifier(test::keys_of(VerificationKey::from_secret("first secret", "a"),
                                           VerificationKey::from_secret("second secret", "b"),
                                           VerificationKey::from_secret("third secret")),
                             {});
  const auto token = [](std::string secret, ByteView kid) {
    return JwtSigner::from_secret(std::move(secret), Algorithm::kHs256).sign(R"({"sub":"u"})", kid);
  };
  EXPECT_EQ(error_of(verifier, token("first secret", "a")), std::nullopt);
  EXPECT_EQ(error_of(verifier, token("second secret", "b")), std::nullopt);
  EXPECT_EQ(error_of(verifier, token("second secret", "a")), TokenError::kSignature)
      << "the key of one name must not speak for another";
  EXPECT_EQ(error_of(verifier, token("third secret", "a")), TokenError::kSignature);
  EXPECT_EQ(error_of(verifier, token("third secret", "c")), std::nullopt) << "it has no name";
  EXPECT_EQ(error_of(verifier, token("first secret", "c")), TokenError::kSignature);
  for (const char* secret : {"first secret", "second secret", "third secret"}) {
    EXPECT_EQ(error_of(verifier, token(secret, "")), std::nullopt) << "no kid: all are tried";
  }
  const JwtVerifier named(test::keys_of(VerificationKey::from_secret("first secret", "a")), {});
  EXPECT_EQ(error_of(named, token("first secret", "c")), TokenError::kUnknownKey);
}

TEST(JwtVerifier, KeepsTheAlgorithmOfAKeyApartFromItsName) {
  const JwtVerifier verifier(
      test::keys_of(VerificationKey::from_secret("first secret", "a", Algorithm::kHs512),
                    *VerificationKey::from_pem(test::rsa_pair().public_key)),
      {});
  const auto by = [](Algorithm algorithm, ByteView kid) {
    return JwtSigner::from_secret("first secret", algorithm).sign(R"({"sub":"u"})", kid);
  };
  EXPECT_EQ(error_of(verifier, by(Algorithm::kHs512, "a")), std::nullopt);
  EXPECT_EQ(error_of(verifier, by(Algorithm::kHs256, "a")), TokenError::kAlgorithm);
  EXPECT_EQ(error_of(verifier, by(Algorithm::kHs256, "")), TokenError::kAlgorithm);
  const JwtSigner rsa = *JwtSigner::from_pem(test::rsa_pair().private_key);
  EXPECT_EQ(error_of(verifier, rsa.sign(R"({"sub":"u"})", "a")), TokenError::kAlgorithm);
  EXPECT_EQ(error_of(verifier, rsa.sign(R"({"sub":"u"})", "b")), std::nullopt);
}

TEST(JwtVerifier, TriesSoManyKeysForATokenWithoutAName) {
  std::vector<VerificationKey> keys;
  for (std::size_t i = 0; i <= JwtVerifier::kTriesMax; ++i) {
    const std::string name = "k" + std::to_string(i);
    keys.push_back(VerificationKey::from_secret("secret " + name, name));
  }
  const JwtVerifier verifier(std::move(keys), {});
  const auto by = [](const std::string& name, ByteView kid) {
    return JwtSigner::from_secret("secret " + name, Algorithm::kHs256).sign(R"({"sub":"u"})", kid);
  };
  EXPECT_EQ(error_of(verifier, by("k7", "")), std::nullopt);
  EXPECT_EQ(error_of(verifier, by("k8", "")), TokenError::kSignature);
  EXPECT_EQ(error_of(verifier, by("k8", "k8")), std::nullopt);
}

TEST(JwtVerifier, TakesNothingWithoutKeys) {
  EXPECT_EQ(error_of(JwtVerifier({}, {}), hmac_token(R"({"sub":"u"})")), TokenError::kNoKeys);
  EXPECT_EQ(error_of(JwtVerifier({}, {}), ""), TokenError::kNoKeys);
}

// --- claims

TEST(JwtVerifier, ReadsWhoItIsAndWhatIsListed) {
  const auto identity = test::hmac_verifier().verify(
      hmac_token(R"({"sub":"u\u0031","jti":"t","iat":1799999999.5,"exp":1800000001,"nbf":1,)"
                 R"("iss":"i","aud":["a","b"],"info":{"name":"Ä", "x":[1]},)"
                 R"("subscribe":["news.>","a"],"publish":["chat.*"],"else":null})"),
      kNow);
  ASSERT_TRUE(identity) << describe(identity.error());
  EXPECT_EQ((*identity)->user, "u1");
  EXPECT_EQ((*identity)->token_id, "t");
  EXPECT_EQ((*identity)->info, R"({"name":"Ä", "x":[1]})") << "byte for byte";
  EXPECT_THAT((*identity)->subscribe, ElementsAre("news.>", "a"));
  EXPECT_THAT((*identity)->publish, ElementsAre("chat.*"));
  EXPECT_EQ((*identity)->issued_at, kNow - std::chrono::milliseconds(500));
  EXPECT_EQ((*identity)->expires_at, kNow + seconds(1));
  const auto bare = test::hmac_verifier().verify(hmac_token(R"({"sub":"u"})"), kNow);
  ASSERT_TRUE(bare);
  EXPECT_THAT((*bare)->subscribe, IsEmpty());
  EXPECT_THAT((*bare)->publish, IsEmpty());
  EXPECT_FALSE((*bare)->issued_at || (*bare)->expires_at);
  EXPECT_EQ((*bare)->info + (*bare)->token_id, "");
}

TEST(JwtVerifier, RefusesClaimsOfTheWrongKind) {
  const JwtVerifier verifier = test::hmac_verifier();
  for (const ByteView claim : {R"("sub":"")",
                               R"("sub":7)",
                               R"("sub":null)",
                               R"("sub":["u"])",
                               R"("jti":7)",
                               R"("jti":"")",
                               R"("exp":"1900000000")",
                               R"("exp":null)",
                               R"("exp":true)",
                               R"("exp":1e400)",
                               R"("nbf":"1")",
                               R"("iat":{})",
                               R"("aud":7)",
                               R"("aud":["a",7])",
                               R"("aud":{})",
                               R"("iss":7)",
                               R"("subscribe":"news")",
                               R"("subscribe":[7])",
                               R"("subscribe":["a..b"])",
                               R"("subscribe":[""])",
                               R"("subscribe":{})",
                               R"("publish":["a b"])",
                               R"("publish":["a.>.b"])",
                               R"("publish":null)"}) {
    const bool is_sub = claim.starts_with("\"sub\":");
    EXPECT_EQ(error_of(verifier,
                       hmac_token('{' + std::string(claim) + (is_sub ? "}" : ",\"sub\":\"u\"}"))),
              TokenError::kClaims)
        << claim;
  }
  EXPECT_EQ(error_of(verifier, hmac_token("{}")), TokenError::kClaims);
  const auto named = [&](std::size_t bytes) {
    return error_of(verifier, hmac_token(R"({"sub":")" + std::string(bytes, 'u') + R"("})"));
  };
  EXPECT_EQ(named(255), std::nullopt);
  EXPECT_EQ(named(256), TokenError::kClaims);
}

TEST(JwtVerifier, BoundsInfo) {
  const auto with_info = [&](std::size_t bytes) {
    const std::string text = '"' + std::string(bytes - 2, 'i') + '"';
    return error_of(test::hmac_verifier(), hmac_token(R"({"sub":"u","info":)" + text + "}"));
  };
  EXPECT_EQ(with_info(1024), std::nullopt);
  EXPECT_EQ(with_info(1025), TokenError::kInfoTooLarge);
}

TEST(JwtVerifier, FindsAClaimBehindManyOthers) {
  std::string claims = R"({"sub":"u")";
  for (int i = 0; i < 100; ++i) {
    claims += ",\"x" + std::to_string(i) + "\":" + std::to_string(i);
  }
  EXPECT_EQ(error_of(test::hmac_verifier(), hmac_token(claims + R"(,"exp":1})")),
            TokenError::kExpired);
}

TEST(JwtVerifier, JudgesTimesWithTheSkewThatIsGranted) {
  const JwtVerifier verifier = test::hmac_verifier({.clock_skew = seconds(5)});
  const std::string expires = hmac_token(R"({"sub":"u","exp":1800000000})");
  EXPECT_EQ(error_of(verifier, expires, kNow + std::chrono::milliseconds(4999)), std::nullopt);
  EXPECT_EQ(error_of(verifier, expires, kNow + seconds(5)), TokenError::kExpired);
  const std::string begins = hmac_token(R"({"sub":"u","nbf":1800000000})");
  EXPECT_EQ(error_of(verifier, begins, kNow - seconds(5)), std::nullopt);
  EXPECT_EQ(error_of(verifier, begins, kNow - std::chrono::milliseconds(5001)),
            TokenError::kNotYetValid);
  const JwtVerifier strict = test::hmac_verifier();
  EXPECT_EQ(error_of(strict, expires, kNow - std::chrono::milliseconds(1)), std::nullopt);
  EXPECT_EQ(error_of(strict, expires, kNow), TokenError::kExpired);
  EXPECT_EQ(error_of(strict, begins, kNow), std::nullopt);
  // No number of seconds may wrap.
  for (const char* far : {"1e300", "9223372036854775807", "18446744073709551616"}) {
    EXPECT_EQ(error_of(verifier, hmac_token(R"({"sub":"u","exp":)" + std::string(far) + "}")),
              std::nullopt);
    EXPECT_EQ(error_of(verifier, hmac_token(R"({"sub":"u","exp":-)" + std::string(far) + "}")),
              TokenError::kExpired);
    EXPECT_EQ(error_of(verifier, hmac_token(R"({"sub":"u","nbf":)" + std::string(far) + "}")),
              TokenError::kNotYetValid);
  }
}

TEST(JwtVerifier, WantsItsAudienceAndItsIssuer) {
  const JwtVerifier verifier = test::hmac_verifier({.audience = "push", .issuer = "login"});
  EXPECT_EQ(error_of(verifier, hmac_token(R"({"sub":"u","aud":"push","iss":"login"})")),
            std::nullopt);
  EXPECT_EQ(error_of(verifier, hmac_token(R"({"sub":"u","aud":["x","push"],"iss":"login"})")),
            std::nullopt);
  for (const ByteView aud :
       {R"("aud":"Push",)", R"("aud":"push2",)", R"("aud":[],)", "", R"("aud":["x"],)"}) {
    EXPECT_EQ(
        error_of(verifier, hmac_token(R"({"sub":"u",)" + std::string(aud) + R"("iss":"login"})")),
        TokenError::kAudience)
        << aud;
  }
  for (const ByteView iss : {R"(,"iss":"Login")", R"(,"iss":"")", ""}) {
    EXPECT_EQ(error_of(verifier, hmac_token(R"({"sub":"u","aud":"push")" + std::string(iss) + "}")),
              TokenError::kIssuer)
        << iss;
  }
  EXPECT_EQ(error_of(test::hmac_verifier(), hmac_token(R"({"sub":"u","aud":"x","iss":"y"})")),
            std::nullopt)
      << "nothing is wanted";
}

TEST(TokenError, IsDescribedInOneShortPhrase) {
  for (int i = 0; i <= static_cast<int>(TokenError::kRevoked); ++i) {
    const auto text = describe(static_cast<TokenError>(i));
    EXPECT_FALSE(text.empty());
    EXPECT_LT(text.size(), 80U);
  }
}

}  // namespace
}  // namespace wspush::auth
