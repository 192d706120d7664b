#include "auth/verification_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.hpp"
#include "unit/auth/test_keys.hpp"

namespace wspush::auth {
namespace {

using testing::HasSubstr;

constexpr Algorithm kAll[] = {Algorithm::kHs256, Algorithm::kHs384, Algorithm::kHs512,
                              Algorithm::kRs256, Algorithm::kEs256, Algorithm::kEdDsa};

std::string error_of_pem(ByteView pem) {
  const auto key = VerificationKey::from_pem(pem);
  return key ? "taken" : key.error();
}

TEST(Algorithm, IsKnownByItsExactNameAlone) {
  for (const Algorithm each : kAll) {
    EXPECT_EQ(parse_algorithm(name_of(each)), each);
  }
  for (const ByteView name : {"none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "RS384",
                              "PS256", "ES384", "ES512", "ES256K", "Ed25519", "eddsa", "dir"}) {
    EXPECT_FALSE(parse_algorithm(name)) << name;
  }
}

TEST(VerificationKey, TakesWhatItsTypeIsForAndNothingElse) {
  const auto rsa = VerificationKey::from_pem(test::rsa_pair().public_key);
  const auto ec = VerificationKey::from_pem(test::ec_pair().public_key);
  const auto ed = VerificationKey::from_pem(test::ed_pair().public_key);
  ASSERT_TRUE(rsa && ec && ed);
  const auto secret = VerificationKey::from_secret(test::kSecret);
  const auto narrow = VerificationKey::from_secret(test::kSecret, "k", Algorithm::kHs384);
  EXPECT_EQ(narrow.kid(), "k");
  for (const Algorithm each : kAll) {
    const bool is_hmac = name_of(each).starts_with("HS");
    EXPECT_EQ(secret.takes(each), is_hmac);
    EXPECT_EQ(narrow.takes(each), each == Algorithm::kHs384);
    EXPECT_EQ(rsa->takes(each), each == Algorithm::kRs256);
    EXPECT_EQ(ec->takes(each), each == Algorithm::kEs256);
    EXPECT_EQ(ed->takes(each), each == Algorithm::kEdDsa);
  }
}

TEST(VerificationKey, ChecksWhatEachSignerSigns) {
  const struct {
    JwtSigner signer;
    VerificationKey key;
    VerificationKey other;
  } kRows[] = {
      {test::hmac_signer(Algorithm::kHs256), VerificationKey::from_secret(test::kSecret),
       VerificationKey::from_secret("another")},
      {test::hmac_signer(Algorithm::kHs384), VerificationKey::from_secret(test::kSecret),
       VerificationKey::from_secret("another")},
      {test::hmac_signer(Algorithm::kHs512), VerificationKey::from_secret(test::kSecret),
       VerificationKey::from_secret("another")},
      {*JwtSigner::from_pem(test::rsa_pair().private_key),
       *VerificationKey::from_pem(test::rsa_pair().public_key),
       *VerificationKey::from_pem(test::new_rsa(2048).public_key)},
      {*JwtSigner::from_pem(test::ec_pair().private_key),
       *VerificationKey::from_pem(test::ec_pair().public_key),
       *VerificationKey::from_pem(test::new_ec("P-256").public_key)},
      {*JwtSigner::from_pem(test::ed_pair().private_key),
       *VerificationKey::from_pem(test::ed_pair().public_key),
       *VerificationKey::from_pem(test::new_of_type("ED25519").public_key)},
  };
  for (const auto& row : kRows) {
    const Algorithm algorithm = row.signer.algorithm();
    SCOPED_TRACE(name_of(algorithm));
    const std::string token = row.signer.sign(R"({"sub":"u"})");
    const std::size_t dot = token.rfind('.');
    const ByteView text = ByteView(token).substr(0, dot);
    std::string signature = *base64url_decode(ByteView(token).substr(dot + 1));
    EXPECT_TRUE(row.key.verifies(algorithm, text, signature));
    EXPECT_FALSE(row.other.verifies(algorithm, text, signature));
    EXPECT_FALSE(row.key.verifies(algorithm, ByteView(token).substr(0, dot - 1), signature));
    EXPECT_FALSE(row.key.verifies(algorithm, text, ""));
    EXPECT_FALSE(row.key.verifies(algorithm, text, ByteView(signature).substr(1)));
    EXPECT_FALSE(row.key.verifies(algorithm, text, signature + '\0'));
    for (const Algorithm wrong : kAll) {
      EXPECT_EQ(row.key.verifies(wrong, text, signature), wrong == algorithm);
    }
    for (std::size_t i = 0; i < signature.size(); i += 7) {
      signature[i] = static_cast<char>(signature[i] ^ 1);
      EXPECT_FALSE(row.key.verifies(algorithm, text, signature)) << i;
      signature[i] = static_cast<char>(signature[i] ^ 1);
    }
  }
}

TEST(VerificationKey, RefusesAnEcdsaSignatureThatIsDerOrZero) {
  const auto key = *VerificationKey::from_pem(test::ec_pair().public_key);
  EXPECT_FALSE(key.verifies(Algorithm::kEs256, "text", std::string(64, '\0')));
  EXPECT_FALSE(key.verifies(Algorithm::kEs256, "text", std::string("\x30\x06\x02\x01\x01", 5)));
}

TEST(VerificationKey, SaysWhatIsWrongWithAPem) {
  EXPECT_THAT(error_of_pem(""), HasSubstr("no public key"));
  EXPECT_THAT(error_of_pem("nonsense"), HasSubstr("no public key"));
  EXPECT_THAT(error_of_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
              HasSubstr("no public key"));
  for (const test::PemPair& pair : {test::rsa_pair(), test::ec_pair(), test::ed_pair()}) {
    EXPECT_EQ(error_of_pem(pair.public_key), "taken");
    EXPECT_THAT(error_of_pem(pair.private_key), HasSubstr("a private key"));
  }
  EXPECT_EQ(error_of_pem(test::new_rsa(1024).public_key),
            "an RSA key of 1024 bits; allowed: 2048 to 8192");
  EXPECT_THAT(error_of_pem(test::new_ec("P-384").public_key), HasSubstr("another type"));
  EXPECT_THAT(error_of_pem(test::new_of_type("X25519").public_key), HasSubstr("another type"));
  EXPECT_THAT(error_of_pem(test::new_of_type("ED448").public_key), HasSubstr("another type"));
}

}  // namespace
}  // namespace wspush::auth
