#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include "wspush/base/result.hpp"

namespace wspush::net {

/// An IP address in 16 bytes; IPv4 in its v4-mapped form (RFC 4291 §2.5.5.2), so that the same
/// client is the same value on an IPv4 and on a dual-stack listener. All zero: none (unix peers).
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  bool is_none() const;
  bool is_v4() const;
  /// 127.0.0.0/8 or ::1.
  bool is_loopback() const;
  /// "192.0.2.1" (v4-mapped too), "2001:db8::1", or "" for none.
  std::string text() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// Reads a numeric address without brackets, port or zone: "192.0.2.1", "2001:db8::1". The other
/// way round of IpAddress::text().
Result<IpAddress, const char*> parse_ip(std::string_view text);

/// Where a socket is bound or connected: IPv4, IPv6 or a unix path. A value of 128 bytes and its
/// length; connections that have to remember their peer keep ip() instead.
class SocketAddress {
 public:
  SocketAddress() = default;
  /// Copies `length` bytes as the kernel gave them; what exceeds the storage is cut.
  SocketAddress(const sockaddr* address, socklen_t length);

  int family() const { return storage_.ss_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  /// None for unix sockets.
  IpAddress ip() const;
  /// 0 for unix sockets.
  std::uint16_t port() const;
  /// The path without "unix:", empty for unnamed peers and for IP addresses.
  std::string unix_path() const;
  /// Loopback addresses, and unix sockets: both are this machine.
  bool is_loopback() const;
  /// "192.0.2.1:80", "[2001:db8::1]:80", "unix:/run/w.sock", "unix:" for an unnamed peer. v4-mapped
  /// addresses are printed as IPv4. resolve_address() reads it again.
  std::string text() const;

  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

/// Reads `host:port`, `[v6]:port` or `unix:/path` of the configuration.
///
/// A host is an IPv4 address, `localhost`, or a name; an IPv6 address stands in brackets. Names are
/// looked up, IPv4 first when there are both. `0.0.0.0` and `[::]` mean every interface.
/// Errors: one sentence for the operator, e.g. "the port is missing".
/// Cost: **blocks** for names (getaddrinfo): at start only, never on a loop.
Result<SocketAddress, std::string> resolve_address(std::string_view text);

/// The address that `fd` is bound to; tells the port after a bind to port 0.
SocketAddress bound_address(int fd);

/// The address of the other end of `fd`; an empty one when it is gone already.
SocketAddress peer_address(int fd);

}  // namespace wspush::net
