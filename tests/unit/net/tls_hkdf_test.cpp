#include "net/tls_hkdf.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "unit/net/tls_test_peer.hpp"

namespace wspush::net {
namespace {

using Octets = std::vector<unsigned char>;

Octets octets(std::string_view bytes) {
  return {bytes.begin(), bytes.end()};
}

std::string view(const Octets& bytes) {
  return {bytes.begin(), bytes.end()};
}

/// What libcrypto makes of it.
Octets expanded_by_libcrypto(const char* digest, Octets secret, std::string label, Octets context,
                             std::size_t bytes) {
  EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "TLS13-KDF", "provider=default");
  EVP_KDF_CTX* const kdf_context = EVP_KDF_CTX_new(kdf);
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  std::string prefix = "tls13 ";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(digest), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix.data(), prefix.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, label.data(), label.size()),
      // It takes no empty one.
      context.empty()
          ? OSSL_PARAM_construct_end()
          : OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_DATA, context.data(), context.size()),
      OSSL_PARAM_construct_end()};
  Octets out(bytes);
  EXPECT_EQ(EVP_KDF_derive(kdf_context, out.data(), out.size(), parameters), 1);
  EVP_KDF_CTX_free(kdf_context);
  EVP_KDF_free(kdf);
  return out;
}

TEST(TlsHkdf, FindsItsHashesByTheNamesOfLibcrypto) {
  EXPECT_EQ(find_tls_hash("SHA2-256"), TlsHash::kSha256);
  EXPECT_EQ(find_tls_hash("SHA256"), TlsHash::kSha256);
  EXPECT_EQ(find_tls_hash("SHA2-384"), TlsHash::kSha384);
  EXPECT_EQ(find_tls_hash("SHA384"), TlsHash::kSha384);
  for (const char* const name : {"", "SHA1", "SHA2-512", "SHA3-256"}) {
    EXPECT_FALSE(find_tls_hash(name)) << name;
  }
}

// RFC 8448 §3: the schedule from the first secret to the application's.
TEST(TlsHkdf, MakesTheSecretsOfTheTraceInRfc8448) {
  const Octets zeros(32);
  Octets early(32);
  ASSERT_TRUE(hkdf_extract(TlsHash::kSha256, {}, zeros, early));
  EXPECT_EQ(view(early),
            from_hex("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a"));
  Octets nothing(32);
  ASSERT_TRUE(hash_of_nothing(TlsHash::kSha256, nothing));
  Octets salt(32);
  ASSERT_TRUE(hkdf_expand_label(TlsHash::kSha256, early, "derived", nothing, salt));
  EXPECT_EQ(view(salt),
            from_hex("6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba"));
  Octets handshake(32);
  ASSERT_TRUE(hkdf_extract(
      TlsHash::kSha256, salt,
      octets(from_hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d")),
      handshake));
  EXPECT_EQ(view(handshake),
            from_hex("1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac"));
}

TEST(TlsHkdf, ExpandsAsLibcryptoDoes) {
  for (const auto& [hash, name] :
       {std::pair(TlsHash::kSha256, "SHA2-256"), std::pair(TlsHash::kSha384, "SHA2-384")}) {
    const Octets secret(hash_bytes(hash), 's');
    for (const std::size_t bytes : {1U, 12U, 16U, 32U, 33U, 48U, 49U, 96U, 1000U}) {
      for (const std::size_t context_bytes : {0U, 32U, 48U, 64U}) {
        const Octets context(context_bytes, 'c');
        Octets out(bytes);
        ASSERT_TRUE(hkdf_expand_label(hash, secret, "s ap traffic", context, out));
        EXPECT_EQ(out, expanded_by_libcrypto(name, secret, "s ap traffic", context, bytes))
            << name << ", " << bytes << ", " << context_bytes;
      }
    }
  }
}

TEST(TlsHkdf, RefusesWhatItsLengthsCannotSay) {
  const Octets secret(32);
  const std::string label(249, 'l');
  const Octets context(255);
  Octets out(32);
  EXPECT_TRUE(hkdf_expand_label(TlsHash::kSha256, secret, label, context, out));
  EXPECT_FALSE(hkdf_expand_label(TlsHash::kSha256, secret, label + 'l', context, out));
  EXPECT_FALSE(hkdf_expand_label(TlsHash::kSha256, secret, label, Octets(256), out));
  EXPECT_FALSE(hkdf_expand_label(TlsHash::kSha256, Octets(65), label, context, out));
  Octets most(std::size_t{255} * 32);
  EXPECT_TRUE(hkdf_expand_label(TlsHash::kSha256, secret, label, context, most));
  most.push_back(0);
  EXPECT_FALSE(hkdf_expand_label(TlsHash::kSha256, secret, label, context, most));

  EXPECT_FALSE(hkdf_extract(TlsHash::kSha256, Octets(65), secret, out));
  Octets of_another_hash(48);
  EXPECT_FALSE(hkdf_extract(TlsHash::kSha256, secret, secret, of_another_hash));
  EXPECT_FALSE(hash_of_nothing(TlsHash::kSha256, of_another_hash));
}

}  // namespace
}  // namespace wspush::net
