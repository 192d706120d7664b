#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wspush/base/result.hpp"

#include "net/tls_tickets.hpp"

struct ssl_ctx_st;

namespace wspush::net {

struct SslContextDeleter {
  void operator()(ssl_ctx_st* context) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, SslContextDeleter>;

/// A certificate chain and its key: names of PEM files.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

struct TlsServerOptions {
  std::vector<TlsFiles> pairs;   ///< at least one; the first is for whoever names no other
  bool refuses_tls_1_2 = false;  ///< speaks TLS 1.3 only
};

/// Why a pair of files cannot be used.
struct TlsFileFault {
  std::size_t pair = 0;
  bool is_key = false;  ///< which file of the pair is to blame
  std::string message;  ///< "/etc/tls/key.pem: cannot be read: Permission denied"; no secret
};

/// What a listener says in TLS handshakes: one generation of its certificates. A reload makes
/// another; a handshake keeps the one that it began with, a connection behind its handshake none.
///
/// The certificate is chosen by the name that the client asks for (SNI): an exact one among the
/// DNS names in the certificates (subjectAltName; the common name only where there is none), else
/// one with `*` for its first label, else the first pair. The first pair with a name has it.
///
/// TLS 1.2 (forward secret AEAD suites only) and 1.3; no compression, no renegotiation, no session
/// cache: clients resume by tickets. ALPN: `http/1.1` is chosen; a client that offers protocols,
/// and not this one, is refused (no_application_protocol, RFC 7301 §3.2): it would not understand
/// us. One that offers none is served.
///
/// Immutable. Thread: any.
class TlsContext {
 public:
  /// Reads the files; may block on the disk. `tickets` must outlive the context.
  /// Errors: the first file that cannot be read, holds nothing usable, is encrypted, or does not
  /// belong to the other one of its pair.
  static Result<std::shared_ptr<const TlsContext>, TlsFileFault> open(
      const TlsServerOptions& options, TlsTicketKeys& tickets);

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  /// What an operator should hear of: certificates that have expired or are not valid yet.
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// The context that a new connection begins with; it takes a reference of its own.
  ssl_ctx_st* first() const { return contexts_.front().get(); }

 private:
  struct Callbacks;

  TlsContext();
  Result<void, TlsFileFault> add(std::size_t pair, const TlsFiles& files);
  ssl_ctx_st* find(std::string_view server_name) const;

  std::vector<SslContext> contexts_;                      ///< one for each pair
  std::unordered_map<std::string, ssl_ctx_st*> by_name_;  ///< in lower case, wildcards as they are
  std::vector<std::string> warnings_;
};

struct TlsClientOptions {
  std::string ca_file;   ///< PEM; empty: the roots of the system
  bool verifies = true;  ///< false: whoever answers is believed
};

/// A client's side. Errors: one sentence.
Result<SslContext, std::string> open_tls_client_context(const TlsClientOptions& options);

}  // namespace wspush::net
