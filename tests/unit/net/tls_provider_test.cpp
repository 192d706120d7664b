#include "net/tls_provider.hpp"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

namespace wspush::net {
namespace {

/// A derivation as libssl asks for it; what is null is left out.
struct Derivation {
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const char* digest = "SHA2-256";
  std::string prefix = "tls13 ";
  std::string label = "c ap traffic";
  std::optional<std::string> key = std::string(32, 'k');
  std::optional<std::string> salt;
  std::optional<std::string> context = std::string(32, 'c');
  std::size_t bytes = 32;

  /// Empty where it is refused.
  std::string by(const char* properties) {
    EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "TLS13-KDF", properties);
    EVP_KDF_CTX* const kdf_context = EVP_KDF_CTX_new(kdf);
    std::vector<OSSL_PARAM> parameters = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(digest), 0),
        octets(OSSL_KDF_PARAM_PREFIX, prefix), octets(OSSL_KDF_PARAM_LABEL, label)};
    for (auto& [name, value] :
         {std::pair(OSSL_KDF_PARAM_KEY, &key), std::pair(OSSL_KDF_PARAM_SALT, &salt),
          std::pair(OSSL_KDF_PARAM_DATA, &context)}) {
      if (*value) {
        parameters.push_back(octets(name, **value));
      }
    }
    parameters.push_back(OSSL_PARAM_construct_end());
    std::string out(bytes, '\0');
    const bool is_good = EVP_KDF_derive(kdf_context, reinterpret_cast<unsigned char*>(out.data()),
                                        out.size(), parameters.data()) == 1;
    EVP_KDF_CTX_free(kdf_context);
    EVP_KDF_free(kdf);
    return is_good ? out : std::string();
  }

  static OSSL_PARAM octets(const char* name, std::string& value) {
    return OSSL_PARAM_construct_octet_string(name, value.data(), value.size());
  }
};

class TlsProviderTest : public ::testing::Test {
 protected:
  TlsProviderTest() { TlsProvider::install(); }

  static void expect_as_default(Derivation derivation) {
    const std::string ours = derivation.by(TlsProvider::kProperties);
    EXPECT_FALSE(ours.empty());
    EXPECT_EQ(ours, derivation.by("provider=default"));
  }
};

TEST_F(TlsProviderTest, IsThereForWhoAsksForItAndLeavesTheOthersAlone) {
  TlsProvider::install();
  EVP_KDF* const ours = EVP_KDF_fetch(nullptr, "TLS13-KDF", TlsProvider::kProperties);
  EXPECT_STREQ(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(ours)), "wspush");
  EVP_KDF_free(ours);
  EVP_KDF* const of_another_kind = EVP_KDF_fetch(nullptr, "HKDF", TlsProvider::kProperties);
  EXPECT_STREQ(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(of_another_kind)), "default");
  EVP_KDF_free(of_another_kind);
}

TEST_F(TlsProviderTest, DerivesWhatLibcryptoDerives) {
  constexpr int kExtract = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
  for (const auto& [digest, bytes] : {std::pair("SHA2-256", 32U), std::pair("SHA2-384", 48U)}) {
    expect_as_default({.digest = digest, .bytes = bytes});
    expect_as_default({.digest = digest, .label = "key", .context = std::nullopt, .bytes = 16});
    const std::string secret(bytes, 's');
    // Of the first stage, with and without a key that both know; of the second; of the last.
    expect_as_default({.mode = kExtract,
                       .digest = digest,
                       .label = "derived",
                       .key = std::nullopt,
                       .context = std::nullopt,
                       .bytes = bytes});
    expect_as_default({.mode = kExtract,
                       .digest = digest,
                       .label = "derived",
                       .context = std::nullopt,
                       .bytes = bytes});
    expect_as_default({.mode = kExtract,
                       .digest = digest,
                       .label = "derived",
                       .salt = secret,
                       .context = std::nullopt,
                       .bytes = bytes});
    expect_as_default({.mode = kExtract,
                       .digest = digest,
                       .label = "derived",
                       .key = std::nullopt,
                       .salt = secret,
                       .context = std::nullopt,
                       .bytes = bytes});
  }
}

TEST_F(TlsProviderTest, RefusesWhatItDoesNotKnow) {
  for (Derivation wrong :
       {Derivation{.mode = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND},
        Derivation{.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY, .bytes = 31},
        Derivation{.digest = "SHA2-512"}, Derivation{.prefix = "dtls13"},
        Derivation{.key = std::nullopt}, Derivation{.key = std::string(65, 'k')}}) {
    EXPECT_EQ(wrong.by(TlsProvider::kProperties), "");
  }
}

class Heard final : public TlsSecretListener {
 public:
  void on_secret(ByteView label, std::span<const unsigned char> secret) noexcept override {
    labels.emplace_back(label);
    last.assign(secret.begin(), secret.end());
  }

  std::vector<std::string> labels;
  std::string last;
};

TEST_F(TlsProviderTest, TellsSecretsToWhoListensOnItsThread) {
  Derivation derivation;
  Heard heard;
  {
    const TlsListening listening(&heard);
    const std::string secret = derivation.by(TlsProvider::kProperties);
    EXPECT_EQ(heard.labels, std::vector<std::string>{"c ap traffic"});
    EXPECT_EQ(heard.last, secret);
    std::thread([] { Derivation().by(TlsProvider::kProperties); }).join();
    derivation.by("provider=default");
    EXPECT_EQ(heard.labels.size(), 1U);
  }
  derivation.by(TlsProvider::kProperties);
  EXPECT_EQ(heard.labels.size(), 1U);
}

}  // namespace
}  // namespace wspush::net
