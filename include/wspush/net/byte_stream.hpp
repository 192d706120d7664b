#pragma once

#include <cstddef>
#include <memory>
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

/// A connection's bytes, both ways, where they do not go straight to a socket: TLS, compression
/// with a window of its own, a test. A plain connection carries no such object; it uses read_some()
/// and write_some().
///
/// What it has taken may wait inside: bytes read from the socket that nobody has asked for yet
/// (`has_unread`), and bytes that the socket does not take yet (`has_unsent`). No event tells of
/// the first; the second leave by `flush`, when the socket can be written to. Both are bounded.
///
/// `bytes` of an IoResult are the caller's, not those on the wire; of `flush` and `end_output`,
/// which have none, those that the socket took. After kError the stream is over; its destructor
/// says nothing to the peer.
///
/// Never blocks; may throw bad_alloc from `read` only, and then the stream is over as well. Thread:
/// the reactor that owns the connection.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  /// Reads what is there into `into` (not empty), at most its size. May write to the socket too, as
  /// a handshake does: look at `has_unsent` afterwards. kWouldBlock also when bytes came that hold
  /// nothing for the caller. kEnd only if the peer said so itself where the layer has a word for
  /// it: a connection that was cut is an error then.
  virtual IoResult read(MutableBytes into) = 0;
  /// True: `read` again before waiting for an event.
  virtual bool has_unread() const = 0;

  /// Writes the pieces one after the other; takes as much as it can, perhaps ending inside a
  /// piece. The caller keeps what was not taken and offers the same bytes again. What was taken is
  /// the stream's, whether the socket has it or not (`has_unsent`); with unsent bytes that the
  /// socket still refuses it takes nothing: kWouldBlock.
  virtual IoResult write(std::span<const iovec> pieces) = 0;
  virtual bool has_unsent() const = 0;
  /// True: the socket was not offered the unsent bytes yet, and the next `write` takes them along:
  /// no `flush` is needed before it, only if none comes.
  virtual bool sends_unsent_along() const { return false; }
  /// Offers the unsent bytes to the socket. kOk if it took some, or if there are none.
  virtual IoResult flush() = 0;

  /// Nothing follows what was written: the layer's last word (TLS: close_notify), before the
  /// caller half-closes the socket. That may become unsent as well. Once is enough; again does
  /// nothing. `read` goes on.
  virtual IoResult end_output() = 0;
};

/// A stream over another one, put into a connection that already has said something.
class StreamLayer : public ByteStream {
 public:
  /// Once, before anything else: where its bytes go to and come from.
  virtual void sit_on(std::unique_ptr<ByteStream> below) noexcept = 0;
};

}  // namespace wspush::net
