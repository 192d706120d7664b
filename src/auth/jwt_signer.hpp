#pragma once

#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"

#include "auth/verification_key.hpp"

namespace wspush::auth {

/// Makes tokens as JwtVerifier reads them: for `wspush token`, and for tests. Thread: any.
/// Source: RFC 7515 §5.1, RFC 7518 §3.
class JwtSigner {
 public:
  /// `algorithm`: HS256, HS384 or HS512; the secret must not be empty.
  static JwtSigner from_secret(std::string secret, Algorithm algorithm);
  /// A private key in PEM, not encrypted; its type gives the algorithm.
  /// Errors: what is wrong with it, and what is allowed.
  static Result<JwtSigner, std::string> from_pem(ByteView pem);

  Algorithm algorithm() const { return algorithm_; }
  /// `claims`: a JSON object, not judged. `kid` empty: none in the header.
  /// Empty where OpenSSL fails.
  std::string sign(ByteView claims, ByteView kid = {}) const;
  /// With a header of the caller's own.
  std::string sign_with_header(ByteView header, ByteView claims) const;

 private:
  JwtSigner() = default;

  std::string signature_of(ByteView text) const;

  Algorithm algorithm_ = Algorithm::kHs256;
  std::string secret_;  ///< empty: a private key
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace wspush::auth
