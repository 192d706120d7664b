#include "auth/verification_key.hpp"

#include <array>
#include <cstring>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "base/check.hpp"

namespace wspush::auth {
namespace {

struct AlgorithmRow {
  ByteView name;
  Algorithm algorithm;
};

constexpr std::array<AlgorithmRow, 6> kAlgorithms{{
    {"HS256", Algorithm::kHs256},
    {"HS384", Algorithm::kHs384},
    {"HS512", Algorithm::kHs512},
    {"RS256", Algorithm::kRs256},
    {"ES256", Algorithm::kEs256},
    {"EdDSA", Algorithm::kEdDsa},
}};

constexpr int kRsaBitsMin = 2048;             // RFC 7518 §3.3
constexpr int kRsaBitsMax = 8192;             // more would hold up everyone for each token
constexpr std::size_t kCoordinateBytes = 32;  // P-256

bool is_hmac(Algorithm algorithm) {
  return algorithm == Algorithm::kHs256 || algorithm == Algorithm::kHs384 ||
         algorithm == Algorithm::kHs512;
}

const EVP_MD* hash_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kHs256:
    case Algorithm::kRs256:
    case Algorithm::kEs256:
      return EVP_sha256();
    case Algorithm::kHs384:
      return EVP_sha384();
    case Algorithm::kHs512:
      return EVP_sha512();
    case Algorithm::kEdDsa:
      return nullptr;  // part of the algorithm itself
  }
  WSPUSH_CHECK(false);
  return nullptr;
}

const unsigned char* bytes_of(ByteView text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// JOSE has R and S side by side (RFC 7518 §3.4), OpenSSL wants them in DER. Empty where the length
/// is wrong.
std::string der_of_ecdsa(ByteView signature) {
  if (signature.size() != 2 * kCoordinateBytes) {
    return {};
  }
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(ECDSA_SIG_new(),
                                                                   &ECDSA_SIG_free);
  BIGNUM* const r = BN_bin2bn(bytes_of(signature), kCoordinateBytes, nullptr);
  BIGNUM* const s =
      BN_bin2bn(bytes_of(signature.substr(kCoordinateBytes)), kCoordinateBytes, nullptr);
  if (pair == nullptr || r == nullptr || s == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  std::string text;
  if (size > 0) {
    text.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
  }
  return text;
}

bool is_p256(EVP_PKEY* key) {
  std::array<char, 32> group{};
  std::size_t size = 0;
  return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(),
                                        &size) == 1 &&
         ByteView(group.data(), size) == "prime256v1";
}

/// A PEM that is encrypted must not ask the terminal.
int no_passphrase(char* /*into*/, int /*size*/, int /*is_writing*/, void* /*unused*/) {
  return -1;
}

}  // namespace

std::optional<Algorithm> parse_algorithm(ByteView name) {
  for (const AlgorithmRow& row : kAlgorithms) {
    if (row.name == name) {
      return row.algorithm;
    }
  }
  return std::nullopt;
}

std::string_view name_of(Algorithm algorithm) {
  for (const AlgorithmRow& row : kAlgorithms) {
    if (row.algorithm == algorithm) {
      return row.name;
    }
  }
  WSPUSH_CHECK(false);
  return {};
}

std::string hmac_of(Algorithm algorithm, ByteView secret, ByteView text) {
  WSPUSH_CHECK(is_hmac(algorithm));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  WSPUSH_CHECK(HMAC(hash_of(algorithm), secret.data(), static_cast<int>(secret.size()),
                    bytes_of(text), text.size(), digest.data(), &size) != nullptr);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

VerificationKey VerificationKey::from_secret(std::string secret, std::string kid,
                                             std::optional<Algorithm> only) {
  WSPUSH_CHECK(!secret.empty() && (!only || is_hmac(*only)));
  VerificationKey key;
  key.kid_ = std::move(kid);
  key.secret_ = std::move(secret);
  key.only_ = only;
  return key;
}

Result<VerificationKey, std::string> VerificationKey::from_public_key(PkeyPtr pkey,
                                                                      std::string kid) {
  VerificationKey key;
  key.kid_ = std::move(kid);
  const int bits = EVP_PKEY_get_bits(pkey.get());
  if (EVP_PKEY_is_a(pkey.get(), "RSA") == 1) {
    if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
      return Unexpected("an RSA key of " + std::to_string(bits) + " bits; allowed: 2048 to 8192");
    }
    key.only_ = Algorithm::kRs256;
  } else if (EVP_PKEY_is_a(pkey.get(), "EC") == 1 && is_p256(pkey.get())) {
    key.only_ = Algorithm::kEs256;
  } else if (EVP_PKEY_is_a(pkey.get(), "ED25519") == 1) {
    key.only_ = Algorithm::kEdDsa;
  } else {
    return Unexpected(std::string("a key of another type; allowed: RSA, EC on P-256, or Ed25519"));
  }
  key.key_ = std::shared_ptr<EVP_PKEY>(std::move(pkey));
  return key;
}

Result<VerificationKey, std::string> VerificationKey::from_pem(ByteView pem) {
  if (pem.find("PRIVATE KEY") != ByteView::npos) {
    return Unexpected(
        std::string("a private key, which does not belong here; allowed: its public "
                    "key, -----BEGIN PUBLIC KEY-----"));
  }
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  PkeyPtr key(bio == nullptr ? nullptr
                             : PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();  // OpenSSL keeps what failed for the next who asks.
  if (key == nullptr) {
    return Unexpected(std::string("no public key; allowed: PEM, -----BEGIN PUBLIC KEY-----"));
  }
  return from_public_key(std::move(key));
}

bool VerificationKey::takes(Algorithm algorithm) const {
  return only_ ? *only_ == algorithm : is_hmac(algorithm);
}

bool VerificationKey::verifies(Algorithm algorithm, ByteView text, ByteView signature) const {
  if (!takes(algorithm)) {
    return false;
  }
  if (key_ == nullptr) {
    const std::string wanted = hmac_of(algorithm, secret_, text);
    return wanted.size() == signature.size() &&
           CRYPTO_memcmp(wanted.data(), signature.data(), wanted.size()) == 0;
  }
  std::string der;
  if (algorithm == Algorithm::kEs256) {
    der = der_of_ecdsa(signature);
    signature = der;
    if (der.empty()) {
      return false;
    }
  }
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  const bool is_good =
      context != nullptr &&
      EVP_DigestVerifyInit(context.get(), nullptr, hash_of(algorithm), nullptr, key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text),
                       text.size()) == 1;
  ERR_clear_error();
  return is_good;
}

}  // namespace wspush::auth
