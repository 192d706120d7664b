#include "load/sockets.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace wspush::load {
namespace {

// Sources 127.0.0.2 .. 127.0.0.201.
constexpr std::size_t kSourceAddresses = 200;

sockaddr_in to_sockaddr(const Address& address) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr = address.ip;
  result.sin_port = htons(address.port);
  return result;
}

void set_option(int fd, int level, int name, int value) {
  // A refused option costs speed, never correctness, and shows in the figures.
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

std::string system_error(std::string_view call, int error) {
  std::array<char, 128> text{};
  return std::string(call) + ": " + ::strerror_r(error, text.data(), text.size());
}

std::string Address::to_string() const {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &ip, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(port);
}

bool Address::is_loopback() const {
  return (ntohl(ip.s_addr) >> 24) == 127;
}

Result<Address, std::string> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  Address address;
  if (colon != std::string_view::npos) {
    const std::string host(text.substr(0, colon));
    const char* end = text.data() + text.size();
    const auto port = std::from_chars(text.data() + colon + 1, end, address.port);
    if (::inet_pton(AF_INET, host.c_str(), &address.ip) == 1 && port.ec == std::errc() &&
        port.ptr == end) {
      return address;
    }
  }
  return Unexpected("'" + std::string(text) + "' is no address like 127.0.0.1:8080");
}

Result<Address, std::string> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return Unexpected("no IPv4 address for \"" + host + "\": " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  sockaddr_in name{};
  std::memcpy(&name, found->ai_addr, sizeof name);
  return Address{.ip = name.sin_addr, .port = port};
}

Result<UniqueFd, std::string> start_connect(const Address& to, std::size_t source_index,
                                            int receive_buffer_bytes) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    return Unexpected(system_error("socket", errno));
  }
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  if (receive_buffer_bytes > 0) {
    set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
  }
  if (to.is_loopback()) {
    // The port is chosen in connect(), where only the whole four-tuple must be free.
    set_option(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const Address source{
        .ip = {htonl(0x7f000002U + static_cast<std::uint32_t>(source_index % kSourceAddresses))}};
    const sockaddr_in name = to_sockaddr(source);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
      return Unexpected(system_error("bind " + source.to_string(), errno));
    }
  }
  const sockaddr_in name = to_sockaddr(to);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 &&
      errno != EINPROGRESS) {
    return Unexpected(system_error("connect " + to.to_string(), errno));
  }
  return fd;
}

Result<UniqueFd, std::string> listen_on(const Address& at) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    return Unexpected(system_error("socket", errno));
  }
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  const sockaddr_in name = to_sockaddr(at);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    return Unexpected(system_error("bind " + at.to_string(), errno));
  }
  if (::listen(fd.get(), 4096) != 0) {
    return Unexpected(system_error("listen", errno));
  }
  return fd;
}

Address local_address(int fd) {
  sockaddr_in name{};
  socklen_t length = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) {
    return {};
  }
  return {.ip = name.sin_addr, .port = ntohs(name.sin_port)};
}

int take_socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 1024;
  }
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace wspush::load
