#include "net/listener.hpp"

#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <random>
#include <string>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include "base/check.hpp"

namespace wspush::net {
namespace {

using Listeners = Result<std::vector<UniqueFd>, SysError>;

Result<void, SysError> set_option(int fd, int level, int name, int value, const char* call) {
  if (::setsockopt(fd, level, name, &value, sizeof(value)) != 0) {
    return Unexpected(last_error(call));
  }
  return {};
}

Result<void, SysError> share_port(int fd) {
  return set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, "setsockopt(SO_REUSEPORT)");
}

Result<UniqueFd, SysError> open_socket(int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    return Unexpected(last_error("socket"));
  }
  return fd;
}

Result<void, SysError> bind_and_listen(int fd, const SocketAddress& address, int backlog) {
  if (::bind(fd, address.data(), address.size()) != 0) {
    return Unexpected(last_error("bind"));
  }
  if (::listen(fd, backlog) != 0) {
    return Unexpected(last_error("listen"));
  }
  return {};
}

/// One TCP socket that listens; with `joins` as a further member of a SO_REUSEPORT group.
Result<UniqueFd, SysError> open_tcp(const SocketAddress& address, int backlog, bool joins) {
  auto fd = open_socket(address.family());
  if (!fd) {
    return fd;
  }
  auto done = set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1, "setsockopt(SO_REUSEADDR)");
  if (done && address.family() == AF_INET6) {
    done = set_option(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, 0, "setsockopt(IPV6_V6ONLY)");
  }
  if (done && joins) {
    done = share_port(fd->get());
  }
  if (done) {
    done = bind_and_listen(fd->get(), address, backlog);
  }
  if (!done) {
    return Unexpected(done.error());
  }
  return fd;
}

/// open_tcp() again while the address is in use: between instances that start at the same moment
/// that may pass. In listen() Linux counts a socket as listening before it has looked for others,
/// so of two that call it at once both may be refused. The random pause parts them.
Result<UniqueFd, SysError> insist_on_tcp(const SocketAddress& address, int backlog, bool joins) {
  constexpr int kTries = 4;
  constexpr unsigned kLongestPauseUs = 4000;
  auto opened = open_tcp(address, backlog, joins);
  for (int tries = 1; !opened && opened.error().error == EADDRINUSE && tries < kTries; ++tries) {
    ::usleep(std::random_device{}() % kLongestPauseUs);
    opened = open_tcp(address, backlog, joins);
  }
  return opened;
}

Listeners open_tcp_group(const SocketAddress& address, std::size_t count, int backlog) {
  auto first = insist_on_tcp(address, backlog, false);
  if (!first) {
    return Unexpected(first.error());
  }
  const SocketAddress bound = bound_address(first->get());  // port 0 is a real one now
  if (count > 1) {
    // Not before listen(): with SO_REUSEADDR two instances that start together can both be bound
    // to the port, and it is listen() that refuses the second, unless both have SO_REUSEPORT.
    if (auto done = share_port(first->get()); !done) {
      return Unexpected(done.error());
    }
  }
  std::vector<UniqueFd> listeners;
  listeners.push_back(std::move(*first));
  while (listeners.size() < count) {
    auto next = insist_on_tcp(bound, backlog, true);
    if (!next) {
      return Unexpected(next.error());
    }
    listeners.push_back(std::move(*next));
  }
  return listeners;
}

/// Whether somebody listens at the path. A full queue (EAGAIN) is somebody too.
bool is_answered(const SocketAddress& address) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) {
    return true;  // not known: then nothing is taken away
  }
  return ::connect(probe.get(), address.data(), address.size()) == 0 ||
         (errno != ECONNREFUSED && errno != ENOENT);
}

/// Removes a socket that a process left behind when it died. Whatever cannot be removed shows as
/// EADDRINUSE of the bind() that follows.
void remove_stale(const SocketAddress& address) {
  const std::string path = address.unix_path();
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode) && !is_answered(address)) {
    ::unlink(path.c_str());
  }
}

Listeners open_unix(const SocketAddress& address, std::size_t count, int backlog) {
  auto first = open_socket(AF_UNIX);
  if (!first) {
    return Unexpected(first.error());
  }
  remove_stale(address);
  if (auto done = bind_and_listen(first->get(), address, backlog); !done) {
    return Unexpected(done.error());
  }
  std::vector<UniqueFd> listeners;
  listeners.push_back(std::move(*first));
  while (listeners.size() < count) {
    UniqueFd copy(::fcntl(listeners.front().get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) {
      return Unexpected(last_error("fcntl(F_DUPFD_CLOEXEC)"));
    }
    listeners.push_back(std::move(copy));
  }
  return listeners;
}

}  // namespace

Listeners open_listeners(const SocketAddress& address, std::size_t count, int backlog) {
  WSPUSH_CHECK(count >= 1);
  return address.is_unix() ? open_unix(address, count, backlog)
                           : open_tcp_group(address, count, backlog);
}

SocketFile::SocketFile(const SocketAddress& bound) : address_(bound) {
  struct stat found {};
  if (bound.is_unix() && ::lstat(bound.unix_path().c_str(), &found) == 0) {
    is_ours_ = true;
    device_ = found.st_dev;
    inode_ = found.st_ino;
  }
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : address_(other.address_),
      is_ours_(std::exchange(other.is_ours_, false)),
      device_(other.device_),
      inode_(other.inode_) {
}

SocketFile::~SocketFile() {
  struct stat found {};
  if (is_ours_ && ::lstat(address_.unix_path().c_str(), &found) == 0 && found.st_dev == device_ &&
      found.st_ino == inode_ && !is_answered(address_)) {
    ::unlink(address_.unix_path().c_str());
  }
}

}  // namespace wspush::net
