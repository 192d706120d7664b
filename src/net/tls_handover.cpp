#include "net/tls_handover.hpp"

#include <new>

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "base/check.hpp"
#include "base/percent.hpp"

namespace wspush::net {
namespace {

/// Where a connection keeps who listens to it.
int connection_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// What the client has bounded our records to: 512 to 4,096 bytes, by the codes 1 to 4 (RFC 6066
/// §4). Small devices do.
std::size_t content_bytes_max(const SSL* ssl) {
  constexpr unsigned kCodes = 4;
  const unsigned code = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl));
  return code >= 1 && code <= kCodes ? std::size_t{256} << code : TlsRecords::kContentBytesMax;
}

}  // namespace

void TlsHandover::Secret::assign(std::string_view hex) {
  size = 0;
  if (hex.size() % 2 != 0 || hex.size() / 2 > octets.size()) {
    return;
  }
  for (; size < hex.size() / 2; ++size) {
    octets[size] = static_cast<unsigned char>(hex_digit_value(hex[2 * size]) * 16 +
                                              hex_digit_value(hex[2 * size + 1]));
  }
}

struct TlsHandover::Callbacks {
  /// `line`: what it is, the client's random number, the secret, the last two in hex. It is the
  /// only way in which OpenSSL gives the secrets away; it wipes the line afterwards.
  static void on_secret(const SSL* ssl, const char* line) {
    auto* const self = static_cast<TlsHandover*>(SSL_get_ex_data(ssl, connection_index()));
    if (self == nullptr) {
      return;
    }
    const std::string_view text(line);
    const std::string_view what = text.substr(0, text.find(' '));
    const std::string_view hex = text.substr(text.rfind(' ') + 1);
    if (what == "CLIENT_TRAFFIC_SECRET_0") {
      self->client_.assign(hex);
    } else if (what == "SERVER_TRAFFIC_SECRET_0") {
      // Told when the keys change, behind the Finished message: the next record is the first.
      self->server_.assign(hex);
      self->records_written_ = 0;
    }
  }

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

void TlsHandover::serve(ssl_ctx_st* context) {
  SSL_CTX_set_keylog_callback(context, &Callbacks::on_secret);
}

void TlsHandover::listen_to(ssl_st* ssl) {
  if (SSL_set_ex_data(ssl, connection_index(), this) != 1) {
    throw std::bad_alloc();
  }
  SSL_set_msg_callback(ssl, &Callbacks::on_message);
  SSL_set_msg_callback_arg(ssl, this);
}

void TlsHandover::leave(ssl_st* ssl) {
  SSL_set_msg_callback(ssl, nullptr);
  WSPUSH_CHECK(SSL_set_ex_data(ssl, connection_index(), nullptr) == 1);
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
