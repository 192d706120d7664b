#include "auth/jwks.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/base64.hpp"
#include "base/json.hpp"

namespace wspush::auth {
namespace {

constexpr std::size_t kCoordinateBytes = 32;  // P-256 and Ed25519
constexpr std::size_t kModulusBytesMax = 1024;
constexpr std::size_t kExponentBytesMax = 8;

/// Why one key cannot be used; empty: it is for something else.
using KeyError = std::string;

std::string text_of(const JsonObject& object, ByteView name) {
  const JsonValue* value = object.find(name);
  std::string scratch;
  return value == nullptr ? std::string() : std::string(value->string(scratch));
}

/// A member that is there, but no string.
bool is_mistyped(const JsonObject& object, ByteView name) {
  const JsonValue* value = object.find(name);
  return value != nullptr && !value->is_string();
}

Result<std::string, KeyError> bytes_of(const JsonObject& object, ByteView name) {
  const JsonValue* value = object.find(name);
  std::string scratch;
  auto bytes = value != nullptr && value->is_string() ? base64url_decode(value->string(scratch))
                                                      : std::nullopt;
  if (!bytes || bytes->empty()) {
    return Unexpected(std::string(name) + " is not base64url without padding, or is empty");
  }
  return std::move(*bytes);
}

bool is_for_verifying(const JsonObject& object) {
  if (object.find("use") != nullptr && text_of(object, "use") != "sig") {
    return false;
  }
  const JsonValue* operations = object.find("key_ops");
  if (operations == nullptr) {
    return true;
  }
  std::string scratch;
  for (const JsonValue operation : operations->elements()) {
    if (operation.string(scratch) == "verify") {
      return true;
    }
  }
  return false;
}

const unsigned char* unsigned_bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// A public key of OpenSSL out of its parameters; null where they make none (a point that is not on
/// the curve).
PkeyPtr make_key(const char* type, OSSL_PARAM_BLD* builder) {
  const std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)> parameters(
      OSSL_PARAM_BLD_to_param(builder), &OSSL_PARAM_free);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr), &EVP_PKEY_CTX_free);
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return PkeyPtr(key);
}

using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)>;
using NumberPtr = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

NumberPtr number_of(const std::string& bytes) {
  return {BN_bin2bn(unsigned_bytes(bytes), static_cast<int>(bytes.size()), nullptr), &BN_free};
}

Result<VerificationKey, KeyError> made(PkeyPtr key, std::string kid) {
  if (key == nullptr) {
    return Unexpected(KeyError("its numbers make no key"));
  }
  return VerificationKey::from_public_key(std::move(key), std::move(kid));
}

Result<VerificationKey, KeyError> read_rsa(const JsonObject& object, std::string kid) {
  const auto modulus = bytes_of(object, "n");
  const auto exponent = bytes_of(object, "e");
  if (!modulus || !exponent) {
    return Unexpected(modulus ? exponent.error() : modulus.error());
  }
  if (modulus->size() > kModulusBytesMax || exponent->size() > kExponentBytesMax) {
    return Unexpected(KeyError("n has more than 8192 bits or e more than 64"));
  }
  const NumberPtr n = number_of(*modulus);
  const NumberPtr e = number_of(*exponent);
  const BuilderPtr builder(OSSL_PARAM_BLD_new(), &OSSL_PARAM_BLD_free);
  if (BN_is_odd(e.get()) != 1 || BN_is_one(e.get()) == 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return Unexpected(KeyError("e is no exponent of a key"));
  }
  return made(make_key("RSA", builder.get()), std::move(kid));
}

Result<VerificationKey, KeyError> read_ec(const JsonObject& object, std::string kid) {
  if (text_of(object, "crv") != "P-256") {
    return Unexpected(KeyError());
  }
  const auto x = bytes_of(object, "x");
  const auto y = bytes_of(object, "y");
  if (!x || !y) {
    return Unexpected(x ? y.error() : x.error());
  }
  if (x->size() != kCoordinateBytes || y->size() != kCoordinateBytes) {
    return Unexpected(KeyError("x and y have 32 bytes each on P-256"));
  }
  const std::string point = '\x04' + *x + *y;  // uncompressed, SEC 1 §2.3.3
  const BuilderPtr builder(OSSL_PARAM_BLD_new(), &OSSL_PARAM_BLD_free);
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return Unexpected(KeyError("its numbers make no key"));
  }
  return made(make_key("EC", builder.get()), std::move(kid));
}

Result<VerificationKey, KeyError> read_okp(const JsonObject& object, std::string kid) {
  if (text_of(object, "crv") != "Ed25519") {
    return Unexpected(KeyError());
  }
  const auto x = bytes_of(object, "x");
  if (!x) {
    return Unexpected(x.error());
  }
  if (x->size() != kCoordinateBytes) {
    return Unexpected(KeyError("x has 32 bytes with Ed25519"));
  }
  return made(PkeyPtr(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, unsigned_bytes(*x),
                                                  x->size())),
              std::move(kid));
}

/// Error, empty: the key is passed over.
Result<VerificationKey, KeyError> read_key(const JsonObject& object) {
  for (const ByteView name : {"kty", "kid", "alg", "use"}) {
    if (is_mistyped(object, name)) {
      return Unexpected(std::string(name) + " is not a string");
    }
  }
  if (!is_for_verifying(object)) {
    return Unexpected(KeyError());
  }
  const std::string alg = text_of(object, "alg");
  const auto only = parse_algorithm(alg);
  const std::string kty = text_of(object, "kty");
  if ((!alg.empty() && !only) || kty.empty()) {
    return Unexpected(kty.empty() ? KeyError("kty is missing") : KeyError());
  }
  std::string kid = text_of(object, "kid");
  if (kty == "oct") {
    const bool is_for_hmac = !only || *only == Algorithm::kHs256 || *only == Algorithm::kHs384 ||
                             *only == Algorithm::kHs512;
    auto secret = bytes_of(object, "k");
    if (!secret || !is_for_hmac) {
      return Unexpected(secret ? KeyError("alg is none of a secret") : secret.error());
    }
    return VerificationKey::from_secret(std::move(*secret), std::move(kid), only);
  }
  auto key = kty == "RSA"   ? read_rsa(object, std::move(kid))
             : kty == "EC"  ? read_ec(object, std::move(kid))
             : kty == "OKP" ? read_okp(object, std::move(kid))
                            : Result<VerificationKey, KeyError>(Unexpected(KeyError()));
  if (key && only && !key->takes(*only)) {
    return Unexpected(KeyError("alg is none of its type"));
  }
  return key;
}

bool have_one_algorithm(const VerificationKey& a, const VerificationKey& b) {
  constexpr std::array kAll = {Algorithm::kHs256, Algorithm::kHs384, Algorithm::kHs512,
                               Algorithm::kRs256, Algorithm::kEs256, Algorithm::kEdDsa};
  return std::ranges::any_of(
      kAll, [&](Algorithm algorithm) { return a.takes(algorithm) && b.takes(algorithm); });
}

}  // namespace

Result<std::vector<VerificationKey>, std::string> parse_jwks(ByteView text) {
  const auto set = parse_json_object(text);
  if (!set) {
    return Unexpected("no JSON object: " + std::string(set.error().text) + " at byte " +
                      std::to_string(set.error().offset));
  }
  const JsonValue* listed = set->find("keys");
  if (listed == nullptr || !listed->is_array()) {
    return Unexpected(std::string("no JWK Set: \"keys\" is missing or no array"));
  }
  std::vector<VerificationKey> keys;
  std::size_t index = 0;
  for (const JsonValue value : listed->elements()) {
    const std::string name = "keys[" + std::to_string(index) + "]";
    if (index++ == kJwksKeysMax) {
      return Unexpected("more than " + std::to_string(kJwksKeysMax) + " keys");
    }
    auto key =
        value.is_object() ? read_key(value.as_object()) : Unexpected(KeyError("this is no object"));
    if (!key && key.error().empty()) {
      continue;
    }
    if (!key) {
      return Unexpected(name + ": " + key.error());
    }
    const bool is_taken =
        !key->kid().empty() && std::ranges::any_of(keys, [&](const VerificationKey& other) {
          return other.kid() == key->kid() && have_one_algorithm(other, *key);
        });
    if (is_taken) {
      return Unexpected(name + ": its kid and algorithm are those of a key before it");
    }
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) {
    return Unexpected(std::string("no key for signatures is in it"));
  }
  return keys;
}

}  // namespace wspush::auth
