#include "auth/jwt_signer.hpp"

#include <memory>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/base64.hpp"
#include "base/check.hpp"
#include "base/json.hpp"

namespace wspush::auth {
namespace {

constexpr int kCoordinateBytes = 32;  // P-256

/// OpenSSL gives R and S in DER; JOSE has them side by side. Empty where it is no signature.
std::string jose_of_ecdsa(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), &ECDSA_SIG_free);
  std::string both(2 * kCoordinateBytes, '\0');
  auto* const into = reinterpret_cast<unsigned char*>(both.data());
  if (pair == nullptr ||
      BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), into, kCoordinateBytes) != kCoordinateBytes ||
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), into + kCoordinateBytes, kCoordinateBytes) !=
          kCoordinateBytes) {
    return {};
  }
  return both;
}

/// A PEM that is encrypted must not ask the terminal.
int no_passphrase(char* /*into*/, int /*size*/, int /*is_writing*/, void* /*unused*/) {
  return -1;
}

}  // namespace

JwtSigner JwtSigner::from_secret(std::string secret, Algorithm algorithm) {
  WSPUSH_CHECK(!secret.empty());
  JwtSigner signer;
  signer.algorithm_ = algorithm;
  signer.secret_ = std::move(secret);
  return signer;
}

Result<JwtSigner, std::string> JwtSigner::from_pem(ByteView pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  PkeyPtr key(bio == nullptr ? nullptr
                             : PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return Unexpected(std::string("no private key; allowed: PEM, -----BEGIN PRIVATE KEY-----"));
  }
  EVP_PKEY_up_ref(key.get());
  const auto judged = VerificationKey::from_public_key(PkeyPtr(key.get()));
  if (!judged) {
    return Unexpected(judged.error());
  }
  JwtSigner signer;
  for (const Algorithm each : {Algorithm::kRs256, Algorithm::kEs256, Algorithm::kEdDsa}) {
    signer.algorithm_ = judged->takes(each) ? each : signer.algorithm_;
  }
  signer.key_ = std::shared_ptr<EVP_PKEY>(std::move(key));
  return signer;
}

std::string JwtSigner::signature_of(ByteView text) const {
  if (key_ == nullptr) {
    return hmac_of(algorithm_, secret_, text);
  }
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  const EVP_MD* const hash = algorithm_ == Algorithm::kEdDsa ? nullptr : EVP_sha256();
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1) {
    ERR_clear_error();
    return {};
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes, text.size()) != 1) {
    ERR_clear_error();
    return {};
  }
  signature.resize(size);
  return algorithm_ == Algorithm::kEs256 ? jose_of_ecdsa(signature) : signature;
}

std::string JwtSigner::sign_with_header(ByteView header, ByteView claims) const {
  std::string token = base64url_encode(header) + '.' + base64url_encode(claims);
  const std::string signature = signature_of(token);
  if (signature.empty()) {
    return {};
  }
  return token + '.' + base64url_encode(signature);
}

std::string JwtSigner::sign(ByteView claims, ByteView kid) const {
  std::string header = R"({"alg":")";
  header.append(name_of(algorithm_)).append(R"(","typ":"JWT")");
  if (!kid.empty()) {
    header.append(R"(,"kid":)");
    append_json_string(header, kid);
  }
  header.push_back('}');
  return sign_with_header(header, claims);
}

}  // namespace wspush::auth
