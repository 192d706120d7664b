#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "wspush/base/bytes.hpp"

#include "net/address.hpp"

// The PROXY protocol, versions 1 and 2: what a proxy says about its client before it passes the
// client's bytes on.
//
//   version 1, a line of at most 107 bytes:
//     PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n
//     PROXY UNKNOWN ...\r\n                              the rest of the line means nothing
//
//   version 2:
//     0 .. 11   0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
//     12        2 (version) | 0 LOCAL, 1 PROXY
//     13        family: 0 none, 1 IPv4, 2 IPv6, 3 unix | transport: 0 none, 1 stream, 2 datagram
//     14 .. 15  bytes that follow, big-endian: source, destination, ports, then type-length-values
//
// Source: haproxy.org/download/2.6/doc/proxy-protocol.txt, sections 2.1 and 2.2.
namespace wspush::net {

/// Longest header that is read, both versions: the addresses take 232 bytes at most, the rest is
/// room for type-length-values (names and certificates of the client's TLS).
inline constexpr std::size_t kProxyHeaderBytesMax = 4096;

enum class ProxyHeaderStatus : std::uint8_t { kNeedMore, kComplete, kError };

/// Incremental parser of one header. Keeps at most 107 bytes of it; type-length-values are passed
/// over. A byte that cannot belong to a signature is an error as soon as it is seen; what follows
/// is judged when the line, or the fixed part, is whole. Pure. Thread: the owner's.
class ProxyHeaderParser {
 public:
  struct Step {
    std::size_t consumed;  ///< of `input`; what follows the header is never touched
    ProxyHeaderStatus status;
  };

  /// Takes of `input` what belongs to the header: all of it until it is complete. After kComplete
  /// or kError it takes nothing more. Cost: O(bytes), no allocation.
  Step next(ByteView input);

  /// After kComplete: where the client is. None where the header names no IP address: LOCAL (the
  /// proxy speaks for itself: health checks), UNKNOWN, unix sockets, datagrams, and "::", which is
  /// nobody's. Then the address stays that of the socket.
  const IpAddress& source() const { return source_; }
  /// After kError: what was wrong, for the log.
  const char* fault() const { return fault_; }

 private:
  static constexpr std::size_t kLineBytesMax = 107;  ///< of version 1, CRLF included

  void take_byte(char byte);
  void take_line_byte(char byte);
  void take_binary_byte();
  void read_line();
  void read_fixed_part();
  void read_source();
  void fail(const char* fault);

  ProxyHeaderStatus status_ = ProxyHeaderStatus::kNeedMore;
  bool is_binary_ = false;  ///< version 2
  std::uint8_t kept_bytes_ = 0;
  std::uint8_t wanted_bytes_ = 16;   ///< to be kept of version 2: its fixed part, then the source
  std::uint16_t skipped_bytes_ = 0;  ///< still to be passed over behind that
  std::array<char, kLineBytesMax> kept_{};
  IpAddress source_;
  const char* fault_ = "";
};

enum class ProxyRead : std::uint8_t {
  kNeedMore,   ///< come back when the socket is readable again
  kComplete,   ///< the socket's next byte is the first one behind the header
  kMalformed,  ///< parser.fault() says why
  kEnded,      ///< the connection is over, or broken
};

/// Takes what is there of a header off the socket, and nothing of what follows: that may be a TLS
/// handshake, which somebody else reads. It looks first (MSG_PEEK), then takes just the header's
/// part, so a level-triggered loop is never woken twice for the same bytes.
/// Two calls at most; never waits. Thread: the owner of `fd`.
ProxyRead read_proxy_header(int fd, ProxyHeaderParser& parser) noexcept;

}  // namespace wspush::net
