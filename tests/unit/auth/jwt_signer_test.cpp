#include "auth/jwt_signer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/auth/test_keys.hpp"

namespace wspush::auth {
namespace {

using testing::HasSubstr;

// The token of RFC 7515 §A.1, whose header and claims have line ends inside.
TEST(JwtSigner, SignsAsTheExampleOfTheRfc) {
  const std::string claims =
      "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
  const std::string header = "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}";
  const std::string key =
      "\x03\x23\x35\x4b\x2b\x0f\xa5\xbc\x83\x7e\x06\x65\x77\x7b\xa6\x8f\x5a\xb3\x28\xe6\xf0\x54\xc9"
      "\x28\xa9\x0f\x84\xb2\xd2\x50\x2e\xbf\xd3\xfb\x5a\x92\xd2\x06\x47\xef\x96\x8a\xb4\xc3\x77\x62"
      "\x3d\x22\x3d\x2e\x21\x72\x05\x2e\x4f\x08\xc0\xcd\x9a\xf5\x67\xd0\x80\xa3";
  EXPECT_EQ(
      JwtSigner::from_secret(key, Algorithm::kHs256).sign_with_header(header, claims),
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp"
      "0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST(JwtSigner, NamesItsAlgorithmAndKeyInTheHeader) {
  const JwtSigner signer = *JwtSigner::from_pem(test::ed_pair().private_key);
  EXPECT_EQ(signer.algorithm(), Algorithm::kEdDsa);
  // {"alg":"EdDSA","typ":"JWT","kid":"a"}
  EXPECT_THAT(signer.sign("{}", "a"),
              testing::StartsWith("eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6ImEifQ.e30."));
}

TEST(JwtSigner, TakesPrivateKeysAlone) {
  EXPECT_EQ(JwtSigner::from_pem(test::rsa_pair().private_key)->algorithm(), Algorithm::kRs256);
  EXPECT_EQ(JwtSigner::from_pem(test::ec_pair().private_key)->algorithm(), Algorithm::kEs256);
  EXPECT_THAT(JwtSigner::from_pem(test::ec_pair().public_key).error(), HasSubstr("no private key"));
  EXPECT_THAT(JwtSigner::from_pem(test::new_ec("P-384").private_key).error(),
              HasSubstr("another type"));
}

}  // namespace
}  // namespace wspush::auth
