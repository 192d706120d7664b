#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <sys/uio.h>

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"
#include "wspush/net/byte_stream.hpp"

#include "net/sys_error.hpp"

namespace wspush::net {

/// One recv() of what is there, without waiting. `into` must not be empty (0 bytes would look like
/// the end). EINTR is tried again. Thread: the owner of `fd`. No allocation.
IoResult read_some(int fd, MutableBytes into) noexcept;

/// As read_some(), and the bytes stay where they are: the next call gets them again.
IoResult peek_some(int fd, MutableBytes into) noexcept;

/// One send() for a single piece, one sendmsg() for several, without waiting or SIGPIPE. EINTR is
/// tried again. More than 1024 pieces (IOV_MAX): the first 1024 are offered, which shows as a write
/// that fell short. Nothing to write is kOk with 0 bytes and no call.
IoResult write_some(int fd, std::span<const iovec> pieces) noexcept;

/// What we ask of a client's socket.
struct SocketOptions {
  /// Frames are gathered once a turn by us; Nagle would only delay them.
  bool no_delay = true;

  /// TCP_NOTSENT_LOWAT: bytes that the kernel may hold and has not sent yet; 0: the system's
  /// setting. Past it send() falls short, so what waits for a slow reader waits in the topic's log,
  /// where `latest` can still skip it.
  int not_sent_bytes_max = 128 << 10;

  /// SO_SNDBUF: the cap of everything the kernel holds for one peer, sent or not; 0: it grows by
  /// itself, up to 4 MiB. 256 KiB is the largest write of one turn, and carries 2.5 MB/s at a round
  /// trip of 100 ms, far above what is pushed to one client. The kernel clips it to
  /// net.core.wmem_max (208 KiB unless raised), then doubles it for its own overhead.
  int send_buffer_bytes = 256 << 10;

  /// TCP_USER_TIMEOUT: a peer that acknowledges nothing for so long while bytes are in flight is
  /// given up; 0: the system's (about 15 minutes). ping_interval + pong_timeout on public sockets.
  std::chrono::milliseconds user_timeout{0};
};

/// Sets `options` on a TCP socket; on a unix socket only the buffer size applies.
///
/// On a **listening** socket every accepted one inherits them (Linux copies them at accept), which
/// saves four calls per connection: that is how the server uses it.
/// Errors: the first option that was refused.
Result<void, SysError> configure_connection(int fd, const SocketOptions& options);

}  // namespace wspush::net
