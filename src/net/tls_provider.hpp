#pragma once

#include <span>

#include "wspush/base/bytes.hpp"

namespace wspush::net {

/// Hears of the secrets that OpenSSL derives. Thread: the one it listens on.
class TlsSecretListener {
 public:
  TlsSecretListener() = default;
  TlsSecretListener(const TlsSecretListener&) = delete;
  TlsSecretListener& operator=(const TlsSecretListener&) = delete;

  /// `label` as in RFC 8446 §7.1, without "tls13 ": "c ap traffic". Lifetime: the call.
  virtual void on_secret(ByteView label, std::span<const unsigned char> secret) noexcept = 0;

 protected:
  ~TlsSecretListener() = default;
};

/// While it lives, what contexts with TlsProvider::kProperties derive on this thread is told to
/// `listener`; null: to nobody. One at a time.
class TlsListening {
 public:
  explicit TlsListening(TlsSecretListener* listener) noexcept;
  ~TlsListening();
  TlsListening(const TlsListening&) = delete;
  TlsListening& operator=(const TlsListening&) = delete;
};

/// The key derivation of TLS 1.3 as an algorithm of libcrypto, by our tls_hkdf: it takes a seventh
/// of the time, and it is a public way to the secrets of a connection. (The other one is the key
/// log, which prints each of five byte by byte: 20 us in a handshake of 350.)
///
/// It is used by contexts that were made with kProperties. Where the system's configuration wants
/// otherwise, as one for FIPS does, OpenSSL's own is, and nobody hears anything.
struct TlsProvider {
  /// For SSL_CTX_new_ex().
  static constexpr const char* kProperties = "?provider=wspush";

  /// Once in a process is enough; again does nothing. It stays. May throw bad_alloc. Thread: any.
  static void install();
};

}  // namespace wspush::net
