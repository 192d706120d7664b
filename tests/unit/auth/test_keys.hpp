#pragma once

#include <string>
#include <utility>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "wspush/base/bytes.hpp"

#include "auth/jwt_signer.hpp"
#include "auth/jwt_verifier.hpp"
#include "auth/verification_key.hpp"

// Keys made for the tests of one process, and what signs and checks with them.
namespace wspush::auth::test {

inline const std::string kSecret = "0123456789abcdef0123456789abcdef";

struct PemPair {
  std::string private_key;
  std::string public_key;
};

inline std::string text_in(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

inline PemPair pem_of(EVP_PKEY* key) {
  BIO* const secret = BIO_new(BIO_s_mem());
  BIO* const open = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(secret, key, nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_PUBKEY(open, key);
  PemPair pair{text_in(secret), text_in(open)};
  BIO_free(secret);
  BIO_free(open);
  EVP_PKEY_free(key);
  return pair;
}

inline PemPair new_rsa(std::size_t bits) {
  return pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits));
}
inline PemPair new_ec(const char* curve) {
  return pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
}
inline PemPair new_of_type(const char* type) {
  return pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, type));
}

/// Made once: an RSA key takes a tenth of a second.
inline const PemPair& rsa_pair() {
  static const PemPair kPair = new_rsa(2048);
  return kPair;
}
inline const PemPair& ec_pair() {
  static const PemPair kPair = new_ec("P-256");
  return kPair;
}
inline const PemPair& ed_pair() {
  static const PemPair kPair = new_of_type("ED25519");
  return kPair;
}

inline JwtSigner hmac_signer(Algorithm algorithm = Algorithm::kHs256) {
  return JwtSigner::from_secret(kSecret, algorithm);
}

/// `keys...` in one vector, for VerificationKey has no default.
template <typename... Keys>
std::vector<VerificationKey> keys_of(Keys&&... keys) {
  std::vector<VerificationKey> all;
  (all.push_back(std::forward<Keys>(keys)), ...);
  return all;
}

inline JwtVerifier hmac_verifier(JwtVerifier::Options options = {}) {
  return JwtVerifier(keys_of(VerificationKey::from_secret(kSecret)), std::move(options));
}

}  // namespace wspush::auth::test
