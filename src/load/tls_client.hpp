#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "wspush/base/result.hpp"

#include "load/options.hpp"

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace wspush::load {

struct SslDeleter {
  void operator()(ssl_st* ssl) const;
};
using SslPointer = std::unique_ptr<ssl_st, SslDeleter>;

/// The client's side of TLS for all connections of a run, over OpenSSL's own socket code: what it
/// costs is on the generator's core. Thread: one. Lifetime: longer than its connections.
class TlsClient {
 public:
  /// Errors: a file of certificates that cannot be read, by its name.
  static Result<std::unique_ptr<TlsClient>, std::string> create(const TlsOptions& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// A client for the connected or connecting socket `fd`, which it does not own. `host` is what
  /// the certificate has to be for. nullptr where there is no memory.
  SslPointer open(int fd, const std::string& host);

  /// To be told of each handshake that stands: counts those that took up a former session.
  void count(const ssl_st* ssl);
  std::uint64_t resumed() const { return resumed_; }

 private:
  struct ContextDeleter {
    void operator()(ssl_ctx_st* context) const;
  };
  struct SessionDeleter {
    void operator()(ssl_session_st* session) const;
  };

  TlsClient() = default;
  static int on_session(ssl_st* ssl, ssl_session_st* session);

  std::unique_ptr<ssl_ctx_st, ContextDeleter> context_;
  std::unique_ptr<ssl_session_st, SessionDeleter> session_;  // the newest one
  bool verifies_ = true;
  std::uint64_t resumed_ = 0;
};

/// What stands first in OpenSSL's queue of errors; empty: nothing. Empties it.
std::string take_tls_error();

}  // namespace wspush::load
