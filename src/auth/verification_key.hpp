#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <openssl/evp.h>

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"

namespace wspush::auth {

/// The algorithms of RFC 7518 §3.1 and RFC 8037 §3.1 that we take. `none` is not among them.
enum class Algorithm : std::uint8_t { kHs256, kHs384, kHs512, kRs256, kEs256, kEdDsa };

/// By its exact name: `HS256`, `RS256`, `EdDSA`; nothing for any other spelling.
std::optional<Algorithm> parse_algorithm(ByteView name);
std::string_view name_of(Algorithm algorithm);

struct PkeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, PkeyDeleter>;

/// A key that signatures are checked with. What it is decides which algorithms it takes: a secret
/// takes HMACs (or the one it is for), a public key the one of its type. A token chooses nothing.
/// Immutable. Thread: any.
class VerificationKey {
 public:
  /// `only` empty: HS256, HS384 and HS512. The secret must not be empty.
  static VerificationKey from_secret(std::string secret, std::string kid = {},
                                     std::optional<Algorithm> only = {});
  /// RSA from 2048 to 8192 bits, P-256, or Ed25519.
  /// Errors: what is wrong with the key, and what is allowed.
  static Result<VerificationKey, std::string> from_public_key(PkeyPtr key, std::string kid = {});
  /// PEM, `-----BEGIN PUBLIC KEY-----` (RFC 7468 §13).
  static Result<VerificationKey, std::string> from_pem(ByteView pem);

  /// Empty: it has none.
  const std::string& kid() const { return kid_; }
  bool takes(Algorithm algorithm) const;
  /// Whether `signature` (as RFC 7518 has it, base64url decoded) is one of `text` by this key.
  /// False too for an algorithm that it does not take. Cost: 1 us (HMAC) to 100 us (EdDSA).
  bool verifies(Algorithm algorithm, ByteView text, ByteView signature) const;

 private:
  VerificationKey() = default;

  std::string kid_;
  std::string secret_;             ///< empty: a public key
  std::optional<Algorithm> only_;  ///< always there with a public key
  std::shared_ptr<EVP_PKEY> key_;
};

/// HMAC with the hash of `algorithm` (one of HS256, HS384, HS512). Source: RFC 7518 §3.2.
std::string hmac_of(Algorithm algorithm, ByteView secret, ByteView text);

}  // namespace wspush::auth
