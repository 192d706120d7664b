#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "wspush/base/clock.hpp"

#include "base/unique_fd.hpp"
#include "cli/endpoint.hpp"
#include "cli/transport.hpp"
#include "net/tls_context.hpp"

struct addrinfo;

namespace wspush::cli {

/// For each address of a host; as long again for a TLS handshake.
inline constexpr std::chrono::seconds kConnectTimeout{10};
/// A peer that confirms nothing for so long is gone, be there data on the way or not.
inline constexpr std::chrono::seconds kPeerTimeout{30};

/// Connects to an endpoint without blocking, to one of its addresses after the other, and shakes
/// hands where it uses TLS. Only the look-up of a name blocks (not that of an address), and the
/// reading of certificates; signals end the process meanwhile.
///
///   status = dialer.begin(endpoint, now);
///   while (status == kPending) {
///     poll fd() for events() until deadline();
///     status = dialer.check();
///   }
class Dialer {
 public:
  enum class Status : std::uint8_t { kPending, kConnected, kFailed };

  /// `tls` must outlive the dialer.
  explicit Dialer(const net::TlsClientOptions& tls) : tls_(tls) {}

  Status begin(const Endpoint& endpoint, TimePoint now);

  /// After fd() is ready or the deadline has passed.
  Status check(TimePoint now);

  int fd() const { return is_shaking_hands_ ? transport_.fd() : fd_.get(); }
  short events() const;
  TimePoint deadline() const { return deadline_; }

  /// After kConnected: non-blocking, TCP_NODELAY.
  Transport take() { return std::move(transport_); }
  /// After kFailed: "cannot connect to ws://...: Connection refused".
  const std::string& error() const { return error_; }

 private:
  struct Deleter {
    void operator()(addrinfo* list) const;
  };

  Status try_next(TimePoint now);
  Status on_connected(TimePoint now);
  Status shake_hands(TimePoint now);
  Status fail(const std::string& why);

  const net::TlsClientOptions& tls_;
  net::SslContext context_;  ///< made when it is first needed
  std::string url_;
  std::string host_;
  bool uses_tls_ = false;
  bool is_shaking_hands_ = false;
  std::unique_ptr<addrinfo, Deleter> addresses_;
  const addrinfo* next_ = nullptr;
  UniqueFd fd_;  ///< until it is connected
  Transport transport_;
  TimePoint deadline_;
  int last_error_ = 0;
  std::string error_;
};

}  // namespace wspush::cli
