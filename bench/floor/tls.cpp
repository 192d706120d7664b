#include "tls.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <openssl/bio.h>
#include <openssl/err.h>

namespace wspush::floor {

struct TlsPipe::Bio {
  static int read(BIO* bio, char* to, int capacity) {
    BIO_clear_retry_flags(bio);
    std::string_view& input = *static_cast<TlsPipe*>(BIO_get_data(bio))->input_;
    if (input.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t count = std::min(input.size(), static_cast<std::size_t>(capacity));
    std::memcpy(to, input.data(), count);
    input.remove_prefix(count);
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* from, int count) {
    BIO_clear_retry_flags(bio);
    static_cast<TlsPipe*>(BIO_get_data(bio))
        ->output_->append(from, static_cast<std::size_t>(count));
    return count;
  }

  static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* const bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "buffers");
      BIO_meth_set_read(bio, &read);
      BIO_meth_set_write(bio, &write);
      BIO_meth_set_ctrl(bio, &control);
      return bio;
    }();
    return made;
  }
};

TlsContext make_tls_context(const std::string& certificate, const std::string& key) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 1);
  if (SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(context.get(),
                               "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                               "TLS_CHACHA20_POLY1305_SHA256") != 1 ||
      SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp(stderr);
    return nullptr;
  }
  return context;
}

TlsPipe::TlsPipe(SSL_CTX* context) : ssl_(SSL_new(context)) {
  BIO* const bio = BIO_new(Bio::method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
}

ssize_t TlsPipe::read(std::string_view& input, char* to, std::size_t capacity,
                      std::string& output) {
  input_ = &input;
  output_ = &output;
  ERR_clear_error();
  const int got = SSL_read(ssl_.get(), to, static_cast<int>(capacity));
  if (got > 0) {
    return got;
  }
  return SSL_get_error(ssl_.get(), got) == SSL_ERROR_WANT_READ ? 0 : -1;
}

void TlsPipe::write(std::string_view plain, std::string& output) {
  output_ = &output;
  if (!plain.empty()) {
    (void)SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
  }
}

void TlsPipe::end(std::string& output) {
  output_ = &output;
  if ((SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0) {
    (void)SSL_shutdown(ssl_.get());
  }
}

}  // namespace wspush::floor
