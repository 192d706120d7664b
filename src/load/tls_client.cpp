#include "load/tls_client.hpp"

#include <arpa/inet.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace wspush::load {

void SslDeleter::operator()(ssl_st* ssl) const {
  ::SSL_free(ssl);
}

void TlsClient::ContextDeleter::operator()(ssl_ctx_st* context) const {
  ::SSL_CTX_free(context);
}

void TlsClient::SessionDeleter::operator()(ssl_session_st* session) const {
  ::SSL_SESSION_free(session);
}

TlsClient::~TlsClient() = default;

Result<std::unique_ptr<TlsClient>, std::string> TlsClient::create(const TlsOptions& options) {
  std::unique_ptr<TlsClient> client(new TlsClient);
  client->context_.reset(::SSL_CTX_new(::TLS_client_method()));
  SSL_CTX* context = client->context_.get();
  if (context == nullptr) {
    return Unexpected("TLS: " + take_tls_error());
  }
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Thousands of connections: idle ones hold no buffers, and one recv takes a record whole.
  ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_read_ahead(context, 1);
  client->verifies_ = options.verifies;
  if (options.verifies) {
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    const bool is_loaded = options.ca_file.empty()
                               ? ::SSL_CTX_set_default_verify_paths(context) == 1
                               : ::SSL_CTX_load_verify_file(context, options.ca_file.c_str()) == 1;
    if (!is_loaded) {
      return Unexpected("certificates of " +
                        (options.ca_file.empty() ? std::string("the system") : options.ca_file) +
                        ": " + take_tls_error());
    }
  }
  if (options.resumes) {
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    ::SSL_CTX_sess_set_new_cb(context, &TlsClient::on_session);
    SSL_CTX_set_app_data(context, client.get());
  }
  return client;
}

SslPointer TlsClient::open(int fd, const std::string& host) {
  SslPointer ssl(::SSL_new(context_.get()));
  if (ssl == nullptr || ::SSL_set_fd(ssl.get(), fd) != 1) {
    return nullptr;
  }
  in_addr ip{};
  const bool is_literal = ::inet_pton(AF_INET, host.c_str(), &ip) == 1;
  if (!is_literal) {
    // What SSL_set_tlsext_host_name is, without its cast of C.
    ::SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(host.c_str()));
  }
  if (verifies_) {
    if (is_literal) {
      ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl.get()), host.c_str());
    } else {
      ::SSL_set1_host(ssl.get(), host.c_str());
    }
  }
  if (session_ != nullptr) {
    // A copy: OpenSSL makes a session of TLS 1.3 useless once a connection has begun with it, and a
    // server need not give a new one to whom it knows already.
    const std::unique_ptr<ssl_session_st, SessionDeleter> copy(::SSL_SESSION_dup(session_.get()));
    if (copy != nullptr) {
      ::SSL_set_session(ssl.get(), copy.get());
    }
  }
  ::SSL_set_connect_state(ssl.get());
  return ssl;
}

void TlsClient::count(const ssl_st* ssl) {
  resumed_ += ::SSL_session_reused(ssl) == 1 ? 1U : 0U;
}

int TlsClient::on_session(ssl_st* ssl, ssl_session_st* session) {
  auto* self = static_cast<TlsClient*>(SSL_CTX_get_app_data(::SSL_get_SSL_CTX(ssl)));
  self->session_.reset(session);
  return 1;  // The reference is ours now.
}

std::string take_tls_error() {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  if (code == 0) {
    return {};
  }
  const char* reason = ::ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

}  // namespace wspush::load
