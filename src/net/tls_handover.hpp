#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "net/tls_crypto.hpp"
#include "net/tls_records.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace wspush::net {

/// What OpenSSL says about a server's handshake while it lasts, so that TlsRecords can go on behind
/// it: the application traffic secrets of TLS 1.3, and how many records it has written with the
/// server's, which are its session tickets. Wiped when it goes. Thread: the connection's.
class TlsHandover {
 public:
  TlsHandover() = default;
  TlsHandover(const TlsHandover&) = delete;
  TlsHandover& operator=(const TlsHandover&) = delete;
  ~TlsHandover();

  /// Makes `context` tell the secrets of its connections, to whoever listens to them.
  static void serve(ssl_ctx_st* context);

  /// Before the handshake. `ssl` must be gone, or left alone, before this goes.
  void listen_to(ssl_st* ssl);
  static void leave(ssl_st* ssl);

  /// Behind a handshake of TLS 1.3 in which nothing was read but the handshake. Null if memory runs
  /// out, or if OpenSSL has not said what is needed.
  std::unique_ptr<TlsRecords> take_records(const ssl_st* ssl, TlsCrypto& crypto) const;

 private:
  struct Callbacks;

  /// A secret of one direction.
  struct Secret {
    std::array<unsigned char, TlsTrafficKeys::kSecretBytesMax> octets{};
    std::size_t size = 0;

    void assign(std::string_view hex);
    std::span<const unsigned char> view() const { return std::span(octets).first(size); }
  };

  Secret client_;
  Secret server_;
  std::uint64_t records_written_ = 0;  ///< with the server's secret
};

}  // namespace wspush::net
