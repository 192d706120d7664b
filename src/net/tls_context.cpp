#include "net/tls_context.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <system_error>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/check.hpp"
#include "base/unique_fd.hpp"
#include "net/tls_error.hpp"
#include "net/tls_provider.hpp"

namespace wspush::net {
namespace {

/// No chain and no key is as long as that.
constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;

/// Cheapest first; the client's wish counts only where its processor has no AES.
constexpr const char* kSuites12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kSuites13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using Names = std::unique_ptr<GENERAL_NAMES, FreeNames>;

Result<std::string, std::string> read_file(const std::string& path) {
  const auto fail = [&path](std::string why) {
    return Unexpected(path + ": cannot be read: " + std::move(why));
  };
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    return fail(std::generic_category().message(errno));
  }
  std::string content(kFileBytesMax + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(fd.get(), content.data() + size, content.size() - size);
    if (got == 0) {
      content.resize(size);
      return content;
    }
    if (got < 0 && errno != EINTR) {
      return fail(std::generic_category().message(errno));
    }
    size += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  return fail("File too large: allowed are 1 MiB");
}

Bio view_as_bio(const std::string& content) {
  Bio bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  if (bio == nullptr) {
    throw std::bad_alloc();
  }
  return bio;
}

/// Nobody is there to type a passphrase; notes that one was wanted.
int refuse_passphrase(char* /*buffer*/, int /*size*/, int /*is_writing*/, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return -1;
}

Result<std::vector<Certificate>, std::string> read_chain(const std::string& path) {
  const auto content = read_file(path);
  if (!content) {
    return Unexpected(content.error());
  }
  const Bio bio = view_as_bio(*content);
  std::vector<Certificate> chain;
  clear_tls_errors();
  while (Certificate next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    chain.push_back(std::move(next));
  }
  const bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string error = take_tls_error();
  if (!is_end) {
    return Unexpected(path + ": certificate " + std::to_string(chain.size() + 1) +
                      " cannot be read: " + error);
  }
  if (chain.empty()) {
    return Unexpected(path + ": holds no PEM certificate");
  }
  return chain;
}

Result<PrivateKey, std::string> read_key(const std::string& path) {
  auto content = read_file(path);
  if (!content) {
    return Unexpected(content.error());
  }
  PrivateKey key;
  bool is_encrypted = false;
  {
    const Bio bio = view_as_bio(*content);
    clear_tls_errors();
    key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, &refuse_passphrase, &is_encrypted));
  }
  OPENSSL_cleanse(content->data(), content->size());
  clear_tls_errors();
  if (is_encrypted) {
    return Unexpected(path + ": is encrypted; a key without a passphrase is needed");
  }
  if (key == nullptr) {
    return Unexpected(path + ": holds no PEM private key");
  }
  return key;
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

/// Nothing where it holds a zero byte: a name must not end before it ends (CVE-2009-2408).
std::string text_of(const ASN1_STRING* string) {
  const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                              static_cast<std::size_t>(ASN1_STRING_length(string)));
  return text.find('\0') == text.npos ? to_lower(text) : std::string();
}

/// RFC 6125 §6.4.4: the common name only if there is no DNS name at all.
std::vector<std::string> names_in(X509* certificate) {
  std::vector<std::string> found;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      found.push_back(text_of(name->d.dNSName));
    }
  }
  if (found.empty()) {
    const X509_NAME* subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0) {
      found.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
    }
  }
  return found;
}

std::string time_text(const ASN1_TIME* time) {
  const Bio bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), time);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

/// Common to both sides.
SslContext make_context(const SSL_METHOD* method) {
  TlsProvider::install();
  SslContext context(SSL_CTX_new_ex(nullptr, TlsProvider::kProperties, method));
  if (context == nullptr) {
    throw std::bad_alloc();
  }
  WSPUSH_CHECK(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1 &&
               SSL_CTX_set_cipher_list(context.get(), kSuites12) == 1 &&
               SSL_CTX_set_ciphersuites(context.get(), kSuites13) == 1);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA);
  // An idle connection keeps no record buffers (34 KB of them).
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

}  // namespace

void SslContextDeleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

struct TlsContext::Callbacks {
  static int choose_certificate(SSL* ssl, int* /*alert*/, void* self) {
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX* found = nullptr;
    try {
      found =
          name == nullptr ? nullptr : static_cast<const TlsContext*>(self)->find(to_lower(name));
    } catch (const std::bad_alloc&) {
      return SSL_TLSEXT_ERR_ALERT_FATAL;  // Nothing may be thrown through OpenSSL.
    }
    if (found == nullptr) {
      return SSL_TLSEXT_ERR_NOACK;  // The first pair it is, and the name was not ours.
    }
    return SSL_set_SSL_CTX(ssl, found) == nullptr ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_OK;
  }

  static int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* size,
                             const unsigned char* offered, unsigned int offered_size,
                             void* /*unused*/) {
    unsigned char* protocol = nullptr;
    if (SSL_select_next_proto(&protocol, size, kHttp11.data(), kHttp11.size(), offered,
                              offered_size) != OPENSSL_NPN_NEGOTIATED) {
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = protocol;
    return SSL_TLSEXT_ERR_OK;
  }
};

TlsContext::TlsContext() = default;
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>, TlsFileFault> TlsContext::open(
    const TlsServerOptions& options, TlsTicketKeys& tickets) {
  WSPUSH_CHECK(!options.pairs.empty());
  const std::shared_ptr<TlsContext> made(new TlsContext());
  for (std::size_t i = 0; i < options.pairs.size(); ++i) {
    SslContext context = make_context(TLS_server_method());
    SSL_CTX* const raw = context.get();
    if (options.refuses_tls_1_2) {
      WSPUSH_CHECK(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1);
    }
    // The second ticket of TLS 1.3 is for clients that open several connections at once.
    SSL_CTX_set_num_tickets(raw, 1);
    tickets.serve(raw);
    // SSL_CTX_set_tlsext_servername_callback(), a macro with a cast in it.
    SSL_CTX_callback_ctrl(raw, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(&Callbacks::choose_certificate));
    SSL_CTX_set_tlsext_servername_arg(raw, made.get());
    SSL_CTX_set_alpn_select_cb(raw, &Callbacks::choose_protocol, nullptr);
    made->contexts_.push_back(std::move(context));
    if (auto added = made->add(i, options.pairs[i]); !added) {
      return Unexpected(std::move(added.error()));
    }
  }
  return std::shared_ptr<const TlsContext>(made);
}

Result<void, TlsFileFault> TlsContext::add(std::size_t pair, const TlsFiles& files) {
  SSL_CTX* const context = contexts_[pair].get();
  const auto fail = [pair](bool is_key, std::string message) {
    return Unexpected(TlsFileFault{pair, is_key, std::move(message)});
  };
  auto chain = read_chain(files.certificate);
  if (!chain) {
    return fail(false, std::move(chain.error()));
  }
  auto key = read_key(files.key);
  if (!key) {
    return fail(true, std::move(key.error()));
  }
  X509* const own = chain->front().get();
  if (X509_check_private_key(own, key->get()) != 1) {
    clear_tls_errors();
    return fail(true, files.key + ": does not belong to the certificate " + files.certificate);
  }
  clear_tls_errors();
  if (SSL_CTX_use_certificate(context, own) != 1) {
    return fail(false, files.certificate + ": cannot be used: " + take_tls_error());
  }
  for (std::size_t i = 1; i < chain->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) != 1) {
      return fail(false, files.certificate + ": certificate " + std::to_string(i + 1) +
                             " cannot be used: " + take_tls_error());
    }
  }
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1) {
    return fail(true, files.key + ": cannot be used: " + take_tls_error());
  }
  for (std::string& name : names_in(own)) {
    if (!name.empty()) {
      by_name_.try_emplace(std::move(name), context);
    }
  }
  if (X509_cmp_current_time(X509_get0_notAfter(own)) < 0) {
    warnings_.push_back(files.certificate + ": the certificate has expired on " +
                        time_text(X509_get0_notAfter(own)));
  } else if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0) {
    warnings_.push_back(files.certificate + ": the certificate is valid only from " +
                        time_text(X509_get0_notBefore(own)));
  }
  return {};
}

ssl_ctx_st* TlsContext::find(std::string_view server_name) const {
  auto found = by_name_.find(std::string(server_name));
  if (const auto dot = server_name.find('.'); found == by_name_.end() && dot != server_name.npos) {
    found = by_name_.find('*' + std::string(server_name.substr(dot)));
  }
  return found == by_name_.end() ? nullptr : found->second;
}

Result<SslContext, std::string> open_tls_client_context(const TlsClientOptions& options) {
  SslContext context = make_context(TLS_client_method());
  WSPUSH_CHECK(SSL_CTX_set_alpn_protos(context.get(), kHttp11.data(), kHttp11.size()) == 0);
  if (!options.verifies) {
    return context;
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  clear_tls_errors();
  const bool has_roots =
      options.ca_file.empty()
          ? SSL_CTX_set_default_verify_paths(context.get()) == 1
          : SSL_CTX_load_verify_file(context.get(), options.ca_file.c_str()) == 1;
  if (!has_roots) {
    const std::string name = options.ca_file.empty() ? "the system's roots" : options.ca_file;
    return Unexpected(name + " cannot be read: " + take_tls_error());
  }
  return context;
}

}  // namespace wspush::net
