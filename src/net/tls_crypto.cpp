#include "net/tls_crypto.hpp"

#include <algorithm>
#include <new>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "net/tls_hkdf.hpp"

namespace wspush::net {
namespace {

struct SuiteTraits {
  const char* aead;
  std::size_t key_bytes;
  TlsHash hash;
};

constexpr std::array<SuiteTraits, kTlsSuiteCount> kSuites = {{
    {"AES-128-GCM", 16, TlsHash::kSha256},
    {"AES-256-GCM", 32, TlsHash::kSha384},
    {"ChaCha20-Poly1305", 32, TlsHash::kSha256},
}};

const SuiteTraits& traits(TlsSuite suite) {
  return kSuites[static_cast<std::size_t>(suite)];
}

unsigned char* as_octets(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* as_octets(const char* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

/// For the parameters of OpenSSL, which are not const and never written to.
void* as_parameter(ByteView bytes) {
  return const_cast<char*>(bytes.data());
}

}  // namespace

std::optional<TlsSuite> find_tls_suite(std::uint16_t number) {
  constexpr std::uint16_t kFirst = 0x1301;
  if (number < kFirst || number >= kFirst + kTlsSuiteCount) {
    return std::nullopt;
  }
  return static_cast<TlsSuite>(number - kFirst);
}

std::size_t secret_bytes(TlsSuite suite) {
  return hash_bytes(traits(suite).hash);
}

TlsTrafficKeys::~TlsTrafficKeys() {
  OPENSSL_cleanse(secret.data(), secret.size());
  OPENSSL_cleanse(key.data(), key.size());
  OPENSSL_cleanse(iv.data(), iv.size());
}

void TlsCrypto::CipherDeleter::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

TlsCrypto::TlsCrypto() {
  for (std::size_t i = 0; i < kTlsSuiteCount; ++i) {
    sealing_[i] = make_aead(static_cast<TlsSuite>(i), true);
    opening_[i] = make_aead(static_cast<TlsSuite>(i), false);
  }
}

TlsCrypto::~TlsCrypto() {
  for (auto* const aeads : {&sealing_, &opening_}) {
    for (Aead& aead : *aeads) {
      OPENSSL_cleanse(aead.key.data(), aead.key.size());
    }
  }
}

TlsCrypto::Aead TlsCrypto::make_aead(TlsSuite suite, bool is_sealing) {
  Aead aead;
  aead.context.reset(EVP_CIPHER_CTX_new());
  EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, traits(suite).aead, nullptr);
  const bool is_made = aead.context != nullptr && cipher != nullptr &&
                       EVP_CipherInit_ex(aead.context.get(), cipher, nullptr, nullptr, nullptr,
                                         is_sealing ? 1 : 0) == 1;
  EVP_CIPHER_free(cipher);
  if (!is_made) {
    throw std::bad_alloc();
  }
  return aead;
}

// --- keys

/// With an empty context (RFC 8446 §7.3).
bool TlsCrypto::expand(TlsSuite suite, const TlsTrafficKeys& keys, ByteView label,
                       std::span<unsigned char> into) {
  const TlsHash hash = traits(suite).hash;
  return hkdf_expand_label(hash, std::span(keys.secret).first(hash_bytes(hash)), label, {}, into);
}

bool TlsCrypto::derive(TlsSuite suite, TlsTrafficKeys& keys) {
  keys.sequence = 0;
  return expand(suite, keys, "key", std::span(keys.key).first(traits(suite).key_bytes)) &&
         expand(suite, keys, "iv", keys.iv);
}

bool TlsCrypto::advance(TlsSuite suite, TlsTrafficKeys& keys) {
  TlsTrafficKeys next;  // Wiped with the secret that was used up in it.
  const auto secret = std::span(next.secret).first(secret_bytes(suite));
  if (!expand(suite, keys, "traffic upd", secret)) {
    return false;
  }
  keys.secret = next.secret;
  return derive(suite, keys);
}

// --- records

bool TlsCrypto::prepare(Aead& aead, TlsSuite suite, const TlsTrafficKeys& keys) {
  std::array<unsigned char, TlsTrafficKeys::kNonceBytes> nonce = keys.iv;
  for (std::size_t i = 0; i < sizeof(keys.sequence); ++i) {
    nonce[nonce.size() - 1 - i] ^= static_cast<unsigned char>(keys.sequence >> (8 * i));
  }
  const std::size_t key_bytes = traits(suite).key_bytes;
  const bool has_key =
      aead.has_key && CRYPTO_memcmp(aead.key.data(), keys.key.data(), key_bytes) == 0;
  if (!has_key) {
    aead.key = keys.key;
  }
  aead.has_key = EVP_CipherInit_ex(aead.context.get(), nullptr, nullptr,
                                   has_key ? nullptr : keys.key.data(), nonce.data(), -1) == 1;
  return aead.has_key;
}

bool TlsCrypto::seal(TlsSuite suite, TlsTrafficKeys& keys, ByteView header, MutableBytes text,
                     char* tag) {
  Aead& aead = sealing_[static_cast<std::size_t>(suite)];
  EVP_CIPHER_CTX* const context = aead.context.get();
  unsigned char* const at = as_octets(text.data());
  int bytes = 0;
  const bool is_sealed =
      prepare(aead, suite, keys) &&
      EVP_EncryptUpdate(context, nullptr, &bytes, as_octets(header.data()),
                        static_cast<int>(header.size())) == 1 &&
      EVP_EncryptUpdate(context, at, &bytes, at, static_cast<int>(text.size())) == 1 &&
      EVP_EncryptFinal_ex(context, at + bytes, &bytes) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag) == 1;
  ++keys.sequence;
  return is_sealed;
}

bool TlsCrypto::open(TlsSuite suite, TlsTrafficKeys& keys, ByteView header, ByteView sealed,
                     char* text) {
  Aead& aead = opening_[static_cast<std::size_t>(suite)];
  EVP_CIPHER_CTX* const context = aead.context.get();
  const ByteView body = sealed.substr(0, sealed.size() - kTagBytes);
  unsigned char* const at = as_octets(text);
  int bytes = 0;
  const bool is_opened = prepare(aead, suite, keys) &&
                         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes,
                                             as_parameter(sealed.substr(body.size()))) == 1 &&
                         EVP_DecryptUpdate(context, nullptr, &bytes, as_octets(header.data()),
                                           static_cast<int>(header.size())) == 1 &&
                         EVP_DecryptUpdate(context, at, &bytes, as_octets(body.data()),
                                           static_cast<int>(body.size())) == 1 &&
                         EVP_DecryptFinal_ex(context, at + bytes, &bytes) == 1;
  if (is_opened) {
    ++keys.sequence;
  }
  return is_opened;
}

}  // namespace wspush::net
