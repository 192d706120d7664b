#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "wspush/base/bytes.hpp"

#include "net/tls_crypto.hpp"
#include "net/tls_provider.hpp"
#include "net/tls_records.hpp"

struct ssl_st;

namespace wspush::net {

/// What OpenSSL says about a server's handshake while it lasts, so that TlsRecords can go on behind
/// it: the application traffic secrets of TLS 1.3, and how many records it has written with the
/// server's, which are its session tickets. Wiped when it goes. Thread: the connection's.
class TlsHandover final : private TlsSecretListener {
 public:
  TlsHandover() = default;
  ~TlsHandover();

  /// Before the handshake. `ssl` must be gone, or left alone, before this goes.
  void listen_to(ssl_st* ssl);
  static void leave(ssl_st* ssl);

  /// Goes on with the handshake: the result of SSL_do_handshake(). Its context was made with
  /// TlsProvider::kProperties.
  int shake_hands(ssl_st* ssl);

  /// Whether both secrets are known. Not where OpenSSL derives its keys without our provider.
  bool has_secrets() const { return client_.size > 0 && server_.size > 0; }

  /// Behind a handshake of TLS 1.3 in which nothing was read but the handshake. Null if memory runs
  /// out, or if OpenSSL has not said what is needed.
  std::unique_ptr<TlsRecords> take_records(const ssl_st* ssl, TlsCrypto& crypto) const;

 private:
  struct Callbacks;

  void on_secret(ByteView label, std::span<const unsigned char> secret) noexcept override;

  /// A secret of one direction.
  struct Secret {
    std::array<unsigned char, TlsTrafficKeys::kSecretBytesMax> octets{};
    std::size_t size = 0;

    void assign(std::span<const unsigned char> secret);
    std::span<const unsigned char> view() const { return std::span(octets).first(size); }
  };

  Secret client_;
  Secret server_;
  std::uint64_t records_written_ = 0;  ///< with the server's secret
};

}  // namespace wspush::net
