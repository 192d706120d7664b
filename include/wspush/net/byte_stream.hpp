#pragma once

#include <cstddef>
#include <span>
#include <sys/uio.h>

#include "wspush/base/bytes.hpp"

namespace wspush::net {

enum class IoStatus {
  kOk,          ///< `bytes` moved: at least one, perhaps fewer than asked for
  kWouldBlock,  ///< nothing moved; try again when epoll says so (or see IoResult::error)
  kEnd,         ///< reads only: the peer has sent everything it ever will
  kError,       ///< the connection is over, `error` is the errno
};

/// What one read or write did.
///
/// `error` is 0 with kOk and kEnd. With kWouldBlock it is 0 when the descriptor will become ready
/// by itself, and ENOBUFS or ENOMEM when the kernel had no memory: no event is promised then, the
/// caller tries again after 100 ms.
struct IoResult {
  IoStatus status = IoStatus::kOk;
  std::size_t bytes = 0;
  int error = 0;
};

/// A connection's bytes, both ways, where they do not go straight to a socket: TLS, simulation.
/// A plain TCP connection carries no such object; it uses read_some() and write_some().
///
/// Never blocks. Thread: the reactor that owns the connection.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  /// Reads what is there into `into` (not empty), at most its size.
  virtual IoResult read(MutableBytes into) = 0;

  /// Writes the pieces one after the other; takes as much as it can, perhaps ending inside a
  /// piece. The caller keeps what was not taken and offers the same bytes again.
  virtual IoResult write(std::span<const iovec> pieces) = 0;
};

}  // namespace wspush::net
