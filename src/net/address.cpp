#include "net/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <optional>
#include <sys/un.h>

namespace wspush::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::string_view kUnixPrefix = "unix:";

IpAddress from_v4(const in_addr& address) {
  IpAddress ip;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), ip.bytes.begin());
  std::memcpy(ip.bytes.data() + kMappedPrefix.size(), &address, sizeof(address));
  return ip;
}

IpAddress from_v6(const in6_addr& address) {
  IpAddress ip;
  std::memcpy(ip.bytes.data(), &address, sizeof(address));
  return ip;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return port;
}

SocketAddress make_v4(const in_addr& address, std::uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr = address;
  return {reinterpret_cast<const sockaddr*>(&in), sizeof(in)};
}

SocketAddress make_v6(const in6_addr& address, std::uint16_t port) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  in.sin6_addr = address;
  return {reinterpret_cast<const sockaddr*>(&in), sizeof(in)};
}

Result<SocketAddress, std::string> parse_unix(std::string_view path) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.empty() || path.front() != '/') {
    return Unexpected<std::string>("a unix path has to start with /");
  }
  if (path.find('\0') != std::string_view::npos) {
    return Unexpected<std::string>("a unix path must not contain a zero byte");
  }
  if (path.size() >= sizeof(un.sun_path)) {  // one byte for the final zero
    return Unexpected<std::string>("a unix path has at most " +
                                   std::to_string(sizeof(un.sun_path) - 1) + " bytes");
  }
  std::memcpy(un.sun_path, path.data(), path.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return SocketAddress(reinterpret_cast<const sockaddr*>(&un), size);
}

Result<SocketAddress, std::string> look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const int failure = ::getaddrinfo(host.c_str(), nullptr, &hints, &raw);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(raw, &::freeaddrinfo);
  if (failure != 0) {
    return Unexpected<std::string>("the host \"" + host +
                                   "\" was not found: " + ::gai_strerror(failure));
  }
  for (const int family : {AF_INET, AF_INET6}) {
    for (const addrinfo* each = found.get(); each != nullptr; each = each->ai_next) {
      if (each->ai_family != family) {
        continue;
      }
      if (family == AF_INET) {
        return make_v4(reinterpret_cast<const sockaddr_in*>(each->ai_addr)->sin_addr, port);
      }
      return make_v6(reinterpret_cast<const sockaddr_in6*>(each->ai_addr)->sin6_addr, port);
    }
  }
  return Unexpected<std::string>("the host \"" + host + "\" has no IP address");
}

using NameCall = int (*)(int, sockaddr*, socklen_t*);

SocketAddress name_of(int fd, NameCall call) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (call(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return {};
  }
  return {reinterpret_cast<const sockaddr*>(&storage), size};
}

}  // namespace

bool IpAddress::is_none() const {
  return *this == IpAddress{};
}

bool IpAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

bool IpAddress::is_loopback() const {
  if (is_v4()) {
    return bytes[12] == 127;
  }
  return bytes[15] == 1 &&
         std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

std::string IpAddress::text() const {
  if (is_none()) {
    return {};
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    ::inet_ntop(AF_INET, bytes.data() + kMappedPrefix.size(), text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  }
  return text.data();
}

Result<IpAddress, const char*> parse_ip(std::string_view text) {
  // inet_pton() wants a final zero and stops at one inside.
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() < copy.size() && text.find('\0') == std::string_view::npos) {
    std::copy(text.begin(), text.end(), copy.begin());
    in_addr v4{};
    if (::inet_pton(AF_INET, copy.data(), &v4) == 1) {
      return from_v4(v4);
    }
    in6_addr v6{};
    if (::inet_pton(AF_INET6, copy.data(), &v6) == 1) {
      return from_v6(v6);
    }
  }
  return Unexpected("not an IP address");
}

SocketAddress::SocketAddress(const sockaddr* address, socklen_t length)
    : size_(std::min<socklen_t>(length, sizeof(storage_))) {
  std::memcpy(&storage_, address, size_);
}

IpAddress SocketAddress::ip() const {
  if (family() == AF_INET) {
    return from_v4(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr);
  }
  if (family() == AF_INET6) {
    return from_v6(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr);
  }
  return {};
}

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  }
  if (family() == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  }
  return 0;
}

std::string SocketAddress::unix_path() const {
  constexpr std::size_t kPathAt = offsetof(sockaddr_un, sun_path);
  if (!is_unix() || size_ <= kPathAt) {
    return {};
  }
  const char* path = reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path;
  return {path, ::strnlen(path, size_ - kPathAt)};
}

bool SocketAddress::is_loopback() const {
  return is_unix() || ip().is_loopback();
}

std::string SocketAddress::text() const {
  if (is_unix()) {
    return std::string(kUnixPrefix) + unix_path();
  }
  if (family() != AF_INET && family() != AF_INET6) {
    return {};
  }
  const IpAddress address = ip();
  const std::string port_text = ':' + std::to_string(port());
  if (address.is_v4()) {
    return address.text() + port_text;
  }
  // "::" is the unspecified IPv6 address; IpAddress has no text for it.
  return '[' + (address.is_none() ? "::" : address.text()) + ']' + port_text;
}

Result<SocketAddress, std::string> resolve_address(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    return parse_unix(text.substr(kUnixPrefix.size()));
  }
  const bool has_bracket = text.starts_with('[');
  const std::size_t bracket_end = text.find(']');
  if (has_bracket && bracket_end == std::string_view::npos) {
    return Unexpected<std::string>("the bracket [ is not closed");
  }
  const std::size_t colon = has_bracket ? bracket_end + 1 : text.rfind(':');
  if (colon >= text.size() || text[colon] != ':') {
    return Unexpected<std::string>("the port is missing (host:port, [v6]:port or unix:/path)");
  }
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) {
    return Unexpected<std::string>("the port has to be a number from 0 to 65535");
  }
  const std::string_view host =
      has_bracket ? text.substr(1, bracket_end - 1) : text.substr(0, colon);
  if (host.empty()) {
    return Unexpected<std::string>("the host is missing (0.0.0.0 or [::] for every interface)");
  }
  if (host.find('\0') != std::string_view::npos) {
    return Unexpected<std::string>("the host must not contain a zero byte");
  }

  const std::string host_text(host);
  in6_addr v6{};
  const bool is_v6 = ::inet_pton(AF_INET6, host_text.c_str(), &v6) == 1;
  if (has_bracket != is_v6) {
    return Unexpected<std::string>(is_v6 ? "an IPv6 address has to stand in brackets: [" +
                                               host_text + "]:port"
                                         : "in brackets only an IPv6 address may stand");
  }
  if (is_v6) {
    return make_v6(v6, *port);
  }
  in_addr v4{};
  if (::inet_pton(AF_INET, host_text.c_str(), &v4) == 1) {
    return make_v4(v4, *port);
  }
  return look_up(host_text, *port);
}

SocketAddress bound_address(int fd) {
  return name_of(fd, [](int its_fd, sockaddr* name, socklen_t* size) {
    return ::getsockname(its_fd, name, size);
  });
}

SocketAddress peer_address(int fd) {
  return name_of(fd, [](int its_fd, sockaddr* name, socklen_t* size) {
    return ::getpeername(its_fd, name, size);
  });
}

}  // namespace wspush::net
