#pragma once

#include <cstddef>
#include <sys/types.h>
#include <vector>

#include "wspush/base/result.hpp"

#include "base/unique_fd.hpp"
#include "net/address.hpp"
#include "net/sys_error.hpp"

namespace wspush::net {

/// Opens one listening, non-blocking socket for each of `count` reactors on one address.
///
/// TCP: a SO_REUSEPORT group, the kernel spreads connections over it. The first socket is bound
/// and listens *without* SO_REUSEPORT, so a second instance on the same address is refused
/// (EADDRINUSE), where the option alone would let it share the port silently; it is set afterwards,
/// and the others then join. SO_REUSEADDR is set, so that connections in TIME_WAIT do not stop a
/// restart. An address in use is tried a few times more (12 ms at most), so that of instances that
/// start at the same moment one gets it. Port 0: the first takes a free one, the others follow it; bound_address() tells which.
/// `[::]` takes IPv4 too, whatever net.ipv6.bindv6only says.
///
/// Unix: one socket, duplicated for each reactor (add them with EPOLLEXCLUSIVE, or all wake up for
/// each connection). A path where a socket lies that nobody answers is taken over; where somebody
/// does, or where anything but a socket lies, it is EADDRINUSE. Access is by umask: who may connect
/// needs the right to write to it. SocketFile takes it away again.
///
/// Errors: the call that failed and its errno; everything opened so far is closed.
/// `count` is at least 1. `backlog` is clipped by the kernel to net.core.somaxconn.
Result<std::vector<UniqueFd>, SysError> open_listeners(const SocketAddress& address,
                                                       std::size_t count, int backlog = 4096);

/// The file of a unix socket that was bound by us: removed with this object, so that clients see
/// that nobody is there. It has to outlive the listeners: a file that somebody still answers stays,
/// for then a new instance has taken its place (the number of the inode alone would not tell, it is
/// used again).
class SocketFile {
 public:
  /// `bound` is the address of a listener that is open; of an IP address there is nothing to do.
  explicit SocketFile(const SocketAddress& bound);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();

 private:
  SocketAddress address_;
  bool is_ours_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace wspush::net
