#include "auth/jwks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::auth {
namespace {

using testing::HasSubstr;

// RFC 7515 §A.3 and RFC 8037 §A.2.
constexpr const char* kEc =
    R"("kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")";
constexpr const char* kEd =
    R"("kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")";
// RFC 7515 §A.2.
constexpr const char* kRsa =
    R"("kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrc)"
    R"(S2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf)"
    R"(63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4)"
    R"(LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",)"
    R"("e":"AQAB")";
constexpr const char* kOct =
    R"("kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwj)"
    R"(AzZr1Z9CAow")";

std::string object(const std::string& members, const std::string& more = {}) {
  return '{' + members + (more.empty() ? "" : ',' + more) + '}';
}

template <typename... Objects>
std::string set_of(const Objects&... objects) {
  std::string text;
  ((text += (text.empty() ? "" : ",") + std::string(objects)), ...);
  return R"({"keys":[)" + text + "]}";
}

std::string error_of(const std::string& text) {
  const auto keys = parse_jwks(text);
  return keys ? std::to_string(keys->size()) + " keys" : keys.error();
}

TEST(Jwks, TakesEachTypeOfKey) {
  const auto keys = parse_jwks(set_of(object(kEc, R"("kid":"e")"), object(kEd, R"("kid":"d")"),
                                      object(kRsa, R"("kid":"r","use":"sig","alg":"RS256")"),
                                      object(kOct, R"("kid":"o")"),
                                      object(kOct, R"("alg":"HS512","key_ops":["verify"])")));
  ASSERT_TRUE(keys) << keys.error();
  ASSERT_EQ(keys->size(), 5U);
  EXPECT_TRUE((*keys)[0].takes(Algorithm::kEs256) && (*keys)[0].kid() == "e");
  EXPECT_TRUE((*keys)[1].takes(Algorithm::kEdDsa) && (*keys)[1].kid() == "d");
  EXPECT_TRUE((*keys)[2].takes(Algorithm::kRs256) && (*keys)[2].kid() == "r");
  EXPECT_TRUE((*keys)[3].takes(Algorithm::kHs256) && (*keys)[3].takes(Algorithm::kHs512));
  EXPECT_TRUE(!(*keys)[4].takes(Algorithm::kHs256) && (*keys)[4].takes(Algorithm::kHs512));
  EXPECT_EQ((*keys)[4].kid(), "");
}

TEST(Jwks, PassesOverWhatIsForSomethingElse) {
  for (const std::string& other :
       {object(kRsa, R"("use":"enc")"), object(kOct, R"("key_ops":["encrypt"])"),
        object(kRsa, R"("alg":"RSA-OAEP")"), object(kRsa, R"("alg":"PS256")"),
        std::string(R"({"kty":"EC","crv":"P-521","x":"AA","y":"AA"})"),
        std::string(R"({"kty":"OKP","crv":"X25519","x":"AA"})"),
        std::string(R"({"kty":"AKP","pub":"AA"})")}) {
    EXPECT_EQ(error_of(set_of(other, object(kEd))), "1 keys") << other;
    EXPECT_EQ(error_of(set_of(other)), "no key for signatures is in it") << other;
  }
}

TEST(Jwks, SaysWhichKeyIsWrongAndNotWhatIsInIt) {
  const struct {
    std::string key;
    const char* error;
  } kRows[] = {
      {"7", "keys[1]: this is no object"},
      {R"({"kid":"a"})", "keys[1]: kty is missing"},
      {R"({"kty":7})", "keys[1]: kty is not a string"},
      {object(kEd, R"("kid":7)"), "keys[1]: kid is not a string"},
      {R"({"kty":"oct"})", "keys[1]: k is not base64url"},
      {R"({"kty":"oct","k":""})", "keys[1]: k is not base64url"},
      {R"({"kty":"oct","k":"c2VjcmV0="})", "keys[1]: k is not base64url"},
      {R"({"kty":"oct","k":"a+b/"})", "keys[1]: k is not base64url"},
      {R"({"kty":"RSA","e":"AQAB"})", "keys[1]: n is not base64url"},
      {R"({"kty":"RSA","n":"AQAB","e":"AQAB"})", "keys[1]: an RSA key of 17 bits"},
      {object(kRsa).replace(object(kRsa).find("AQAB"), 4, "AQAC"), "keys[1]: e is no exponent"},
      {object(kRsa).replace(object(kRsa).find("AQAB"), 4, "AQ"), "keys[1]: e is no exponent"},
      {R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})", "keys[1]: x and y have 32 bytes"},
      // A point that is not on the curve.
      {object(kEc).replace(object(kEc).find("f83O"), 4, "f83P"),
       "keys[1]: its numbers make no key"},
      {R"({"kty":"OKP","crv":"Ed25519","x":"AA"})", "keys[1]: x has 32 bytes"},
      {object(kRsa, R"("alg":"HS256")"), "keys[1]: alg is none of its type"},
      {object(kOct, R"("alg":"RS256")"), "keys[1]: alg is none of a secret"},
      {object(kEc, R"("alg":"EdDSA")"), "keys[1]: alg is none of its type"},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(error_of(set_of(object(kEd), row.key)), HasSubstr(row.error)) << row.key;
  }
  EXPECT_THAT(error_of(set_of(R"({"kty":"oct","k":"geheim!!"})")),
              testing::Not(HasSubstr("geheim")));
}

TEST(Jwks, RefusesTwoKeysOfOneNameForOneAlgorithm) {
  EXPECT_EQ(error_of(set_of(object(kEd, R"("kid":"a")"), object(kEd, R"("kid":"a")"))),
            "keys[1]: its kid and algorithm are those of a key before it");
  EXPECT_EQ(
      error_of(set_of(object(kOct, R"("kid":"a","alg":"HS256")"), object(kOct, R"("kid":"a")"))),
      "keys[1]: its kid and algorithm are those of a key before it");
  EXPECT_EQ(error_of(set_of(object(kEd, R"("kid":"a")"), object(kEc, R"("kid":"a")"), object(kEd),
                            object(kEd))),
            "4 keys");
}

TEST(Jwks, RefusesWhatIsNoSet) {
  EXPECT_THAT(error_of(""), HasSubstr("no JSON object"));
  EXPECT_THAT(error_of("{"), HasSubstr("no JSON object"));
  EXPECT_THAT(error_of("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("\"keys\" is missing"));
  EXPECT_THAT(error_of(R"({"keys":{}})"), HasSubstr("\"keys\" is missing"));
  EXPECT_EQ(error_of(R"({"keys":[]})"), "no key for signatures is in it");
  std::string many = object(kOct);
  for (std::size_t i = 1; i < kJwksKeysMax; ++i) {
    many += ',' + object(kOct);
  }
  EXPECT_EQ(error_of(set_of(many)), "100 keys");
  EXPECT_EQ(error_of(set_of(many, object(kOct))), "more than 100 keys");
}

}  // namespace
}  // namespace wspush::auth
