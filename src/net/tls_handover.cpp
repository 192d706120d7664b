#include "net/tls_handover.hpp"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/ssl.h>

namespace wspush::net {
namespace {

/// What the client has bounded our records to: 512 to 4,096 bytes, by the codes 1 to 4 (RFC 6066
/// §4). Small devices do.
std::size_t content_bytes_max(const SSL* ssl) {
  constexpr unsigned kCodes = 4;
  const unsigned code = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl));
  return code >= 1 && code <= kCodes ? std::size_t{256} << code : TlsRecords::kContentBytesMax;
}

}  // namespace

void TlsHandover::Secret::assign(std::span<const unsigned char> secret) {
  size = std::min(secret.size(), octets.size());
  std::copy_n(secret.begin(), size, octets.begin());
}

void TlsHandover::on_secret(ByteView label, std::span<const unsigned char> secret) noexcept {
  if (label == "c ap traffic") {
    client_.assign(secret);
  } else if (label == "s ap traffic") {
    // Derived when the keys change, behind the Finished message: the next record is the first.
    server_.assign(secret);
    records_written_ = 0;
  }
}

struct TlsHandover::Callbacks {
  static void on_message(int is_sent, int /*version*/, int type, const void* /*bytes*/,
                         std::size_t /*size*/, SSL* /*ssl*/, void* self) {
    if (is_sent == 1 && type == SSL3_RT_HEADER) {
      ++static_cast<TlsHandover*>(self)->records_written_;
    }
  }
};

TlsHandover::~TlsHandover() {
  OPENSSL_cleanse(client_.octets.data(), client_.octets.size());
  OPENSSL_cleanse(server_.octets.data(), server_.octets.size());
}

void TlsHandover::listen_to(ssl_st* ssl) {
  SSL_set_msg_callback(ssl, &Callbacks::on_message);
  SSL_set_msg_callback_arg(ssl, this);
}

void TlsHandover::leave(ssl_st* ssl) {
  SSL_set_msg_callback(ssl, nullptr);
}

int TlsHandover::shake_hands(ssl_st* ssl) {
  const TlsListening listening(this);
  return SSL_do_handshake(ssl);
}

std::unique_ptr<TlsRecords> TlsHandover::take_records(const ssl_st* ssl, TlsCrypto& crypto) const {
  // Without read-ahead OpenSSL takes a record at a time, so that nothing of ours is in it.
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl);
  const auto suite =
      cipher == nullptr ? std::nullopt : find_tls_suite(SSL_CIPHER_get_protocol_id(cipher));
  if (!suite || SSL_has_pending(ssl) == 1 || client_.size != secret_bytes(*suite) ||
      server_.size != secret_bytes(*suite)) {
    return nullptr;
  }
  auto records = std::make_unique<TlsRecords>(*suite, content_bytes_max(ssl));
  if (!records->start({client_.view(), 0}, {server_.view(), records_written_}, crypto)) {
    return nullptr;
  }
  return records;
}

}  // namespace wspush::net
