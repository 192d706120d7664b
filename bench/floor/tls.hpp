#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>

#include <openssl/ssl.h>

namespace wspush::floor {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

/// A server's context that costs what wspushd's does: its suites, one ticket for a session, record
/// buffers released when they are empty. Null if the files cannot be used; says why on stderr.
TlsContext make_tls_context(const std::string& certificate, const std::string& key);

/// OpenSSL between two buffers of the caller's. It never sees a socket: so one recv() may bring
/// many records, and one send() takes as many.
class TlsPipe {
 public:
  explicit TlsPipe(SSL_CTX* context);
  TlsPipe(const TlsPipe&) = delete;
  TlsPipe& operator=(const TlsPipe&) = delete;

  /// Decrypts what can be of `input` and takes that off its front. Returns the bytes of plain text
  /// in `to`; 0 when it needs more input, -1 when the stream has ended. What there is to answer
  /// (the handshake, tickets) is in `output` then.
  ssize_t read(std::string_view& input, char* to, std::size_t capacity, std::string& output);

  /// Appends `plain` to `output`, in records that are as full as they can be.
  void write(std::string_view plain, std::string& output);

  /// Appends the close_notify that is owed to a peer that has said its own (RFC 8446 §6.1); nothing
  /// to any other.
  void end(std::string& output);

 private:
  struct Bio;
  struct FreeSession {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  std::string_view* input_ = nullptr;  // both only while OpenSSL runs
  std::string* output_ = nullptr;
  std::unique_ptr<SSL, FreeSession> ssl_;
};

}  // namespace wspush::floor
