#include "net/tls_tickets.hpp"

#include <array>
#include <cstring>
#include <new>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/check.hpp"

namespace wspush::net {
namespace {

/// Where a context keeps its key set.
int context_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// AES-256-CBC and HMAC-SHA-256, as RFC 5077 §4 recommends (there with 128 bits).
const EVP_CIPHER* ticket_cipher() {
  return EVP_aes_256_cbc();
}

}  // namespace

struct TlsTicketKeys::Key {
  std::array<unsigned char, 16> name;
  std::array<unsigned char, 32> cipher_key;
  std::array<unsigned char, 32> mac_key;
  TimePoint made_at;

  explicit Key(TimePoint now) : made_at(now) {
    // Without random bytes there is no TLS at all.
    WSPUSH_CHECK(RAND_bytes(name.data(), sizeof(name)) == 1 &&
                 RAND_bytes(cipher_key.data(), sizeof(cipher_key)) == 1 &&
                 RAND_bytes(mac_key.data(), sizeof(mac_key)) == 1);
  }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() {
    OPENSSL_cleanse(cipher_key.data(), cipher_key.size());
    OPENSSL_cleanse(mac_key.data(), mac_key.size());
  }

  bool start_mac(EVP_MAC_CTX* mac) {
    std::array<char, 7> digest{"SHA256"};
    const std::array<OSSL_PARAM, 3> parameters = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key.data(), mac_key.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
  }
};

/// Called by OpenSSL inside a handshake. Results as SSL_CTX_set_tlsext_ticket_key_evp_cb() wants
/// them: -1 an error, 0 no such key (a full handshake), 1 good, 2 good and wants a new ticket.
struct TlsTicketKeys::Callback {
  static int call(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                  EVP_MAC_CTX* mac, int is_sealing) {
    auto& keys =
        *static_cast<TlsTicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index()));
    const std::lock_guard lock(keys.mutex_);
    try {
      return is_sealing == 1 ? seal(keys, name, iv, cipher, mac)
                             : open(keys, ssl, name, iv, cipher, mac);
    } catch (const std::bad_alloc&) {
      return -1;  // Nothing may be thrown through OpenSSL.
    }
  }

  static int seal(TlsTicketKeys& keys, unsigned char* name, unsigned char* iv,
                  EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
    const TimePoint now = MonotonicClock::now();
    if (now - keys.current_->made_at >= kLifetime) {
      keys.replace_current(now);
    }
    Key& key = *keys.current_;
    std::memcpy(name, key.name.data(), key.name.size());
    const bool is_good =
        RAND_bytes(iv, EVP_CIPHER_get_iv_length(ticket_cipher())) == 1 &&
        EVP_EncryptInit_ex(cipher, ticket_cipher(), nullptr, key.cipher_key.data(), iv) == 1 &&
        key.start_mac(mac);
    return is_good ? 1 : -1;
  }

  static int open(TlsTicketKeys& keys, const SSL* ssl, const unsigned char* name,
                  const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
    const auto is_named = [name](const std::unique_ptr<Key>& key) {
      return key != nullptr && std::memcmp(key->name.data(), name, key->name.size()) == 0;
    };
    const bool is_current = is_named(keys.current_);
    if (!is_current && !is_named(keys.previous_)) {
      return 0;
    }
    Key& key = is_current ? *keys.current_ : *keys.previous_;
    const bool is_good = key.start_mac(mac) && EVP_DecryptInit_ex(cipher, ticket_cipher(), nullptr,
                                                                  key.cipher_key.data(), iv) == 1;
    if (!is_good) {
      return -1;
    }
    // A client of TLS 1.3 uses each ticket once (RFC 8446 §C.4), so it needs one for the next time.
    return is_current && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
  }
};

TlsTicketKeys::TlsTicketKeys() : current_(std::make_unique<Key>(MonotonicClock::now())) {
}

TlsTicketKeys::~TlsTicketKeys() = default;

void TlsTicketKeys::rotate(TimePoint now) {
  const std::lock_guard lock(mutex_);
  replace_current(now);
}

void TlsTicketKeys::replace_current(TimePoint now) {
  auto next = std::make_unique<Key>(now);
  // Tickets of a key that nobody has used for so long are dead as well.
  previous_ = now - current_->made_at >= 2 * kLifetime ? nullptr : std::move(current_);
  current_ = std::move(next);
}

void TlsTicketKeys::serve(ssl_ctx_st* context) {
  WSPUSH_CHECK(SSL_CTX_set_ex_data(context, context_index(), this) == 1);
  SSL_CTX_set_timeout(context, kLifetime.count());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &Callback::call);
}

}  // namespace wspush::net
