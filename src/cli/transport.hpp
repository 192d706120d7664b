#pragma once

#include <memory>
#include <string>

#include "wspush/base/bytes.hpp"

#include "base/unique_fd.hpp"
#include "cli/descriptor_io.hpp"
#include "net/tls_stream.hpp"

namespace wspush::cli {

/// A connection to the server: a socket, with or without TLS on it. Like descriptor_io.hpp, nothing
/// here blocks. Its end says close_notify, if the socket takes that.
class Transport {
 public:
  Transport() = default;
  explicit Transport(UniqueFd fd) : fd_(std::move(fd)) {}
  /// TLS with whom is called `host`; `shake_hands` comes first. Keeps a reference to `context`.
  Transport(UniqueFd fd, ssl_ctx_st* context, const std::string& host);
  Transport(Transport&& other) noexcept = default;
  Transport& operator=(Transport&& other) noexcept;
  ~Transport() { close(); }

  int fd() const { return fd_.get(); }

  enum class Handshake : std::uint8_t { kDone, kPending, kFailed };
  /// Goes on with the handshake as far as it can.
  Handshake shake_hands();
  /// After kFailed: what was wrong, with what the user may do about it.
  std::string handshake_error() const;

  IoResult read(MutableBytes buffer);
  /// `read` again before waiting for an event.
  bool has_unread() const { return stream_ != nullptr && stream_->has_unread(); }
  /// Sends what goes of `bytes`, and what was kept of those before.
  IoResult send(ByteView bytes);
  /// Something was taken that the socket does not take yet: wait until it does, then `send`.
  bool has_unsent() const { return stream_ != nullptr && stream_->has_unsent(); }

 private:
  void close();

  UniqueFd fd_;
  std::unique_ptr<net::TlsWorkspace> workspace_;
  std::unique_ptr<net::TlsStream> stream_;  ///< null: plain
  int handshake_error_ = 0;
};

}  // namespace wspush::cli
