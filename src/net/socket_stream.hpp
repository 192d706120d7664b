#pragma once

#include "wspush/net/byte_stream.hpp"

#include "net/tcp_stream.hpp"

namespace wspush::net {

/// A socket as a stream, for a layer to sit on: keeps nothing, and its end is that of the socket.
class SocketStream final : public ByteStream {
 public:
  /// `fd` stays the caller's and must outlive the stream.
  explicit SocketStream(int fd) : fd_(fd) {}

  IoResult read(MutableBytes into) override { return read_some(fd_, into); }
  bool has_unread() const override { return false; }
  IoResult write(std::span<const iovec> pieces) override { return write_some(fd_, pieces); }
  bool has_unsent() const override { return false; }
  IoResult flush() override { return {}; }
  IoResult end_output() override { return {}; }

 private:
  int fd_;
};

}  // namespace wspush::net
