#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wspush/net/byte_stream.hpp"

#include "net/output_queue.hpp"
#include "net/tls_context.hpp"

struct bio_st;
struct ssl_st;

namespace wspush::net {

/// How handshakes ended.
enum class TlsResult : std::uint8_t {
  kFull,
  kResumed,  ///< by a ticket: no signature, no certificate
  kFailed,   ///< refused by one side, cut, or not done in time
  kNotTls,   ///< the first byte was none of TLS: plain HTTP on a TLS port, mostly
};
inline constexpr std::size_t kTlsResultCount = 4;

/// What the TLS streams of one thread share, so that none of them owns a buffer while it is idle:
/// where ciphertext is read to and frames become records, and where records wait for the one send
/// at the end of each call. Must outlive the streams. Thread: that of the streams.
class TlsWorkspace {
 public:
  TlsWorkspace();
  ~TlsWorkspace();
  TlsWorkspace(const TlsWorkspace&) = delete;
  TlsWorkspace& operator=(const TlsWorkspace&) = delete;

  /// Handshakes that have ended since the start, by TlsResult.
  std::uint64_t count_of(TlsResult result) const {
    return counts_[static_cast<std::size_t>(result)];
  }
  /// Why the last of those that failed did: "no shared cipher". Lifetime: until the next failure.
  const std::string& last_failure() const { return last_failure_; }

  /// From now on at most `steps` reads of connections within their handshake do anything; the
  /// others see kWouldBlock, and their sockets stay readable. A step is 0.5 ms or so, for the
  /// signature; a turn must not be made of 1,000 of them.
  void allow_handshake_steps(std::size_t steps) { handshake_steps_ = steps; }

 private:
  friend class TlsStream;
  struct BioMethod;
  struct KeyUpdateCounter;

  static constexpr std::size_t kReceivedBytes = std::size_t{64} * 1024;

  void count(TlsResult result, std::string why);

  struct BioDeleter {
    void operator()(bio_st* bio) const;
  };
  std::vector<char> received_;
  std::vector<char> record_;   ///< plaintext of one record, gathered from small pieces
  std::vector<iovec> pieces_;  ///< of one flush
  MutableBytes input_;         ///< ciphertext that OpenSSL has not taken yet
  std::string output_;         ///< ciphertext that OpenSSL has made
  std::unique_ptr<bio_st, BioDeleter> bio_;  ///< of all streams: between `input_` and `output_`
  std::size_t handshake_steps_ = SIZE_MAX;
  std::size_t key_updates_ = 0;  ///< that the peer has sent, in this read
  std::array<std::uint64_t, kTlsResultCount> counts_{};
  std::string last_failure_;
};

/// TLS over a non-blocking socket.
///
/// Small pieces are gathered into full records (16 KiB), records of one write leave in one send. At
/// most kAheadBytesMax are encrypted ahead of the socket; what it does not take of these is kept,
/// and nothing more is taken until that is gone. Everything else that the peer can make us keep (a
/// record that is not whole yet, answers to its key updates) is bounded too, or ends the stream. So
/// does a read with more than kKeyUpdatesPerReadMax of these: each costs 13 us, and an honest peer
/// sends one in many gigabytes (RFC 8446 §5.5).
///
/// A socket that ends without close_notify is an error: what came may have been cut by somebody on
/// the way. Errors are errno values; EPROTO is one of TLS, EKEYREJECTED one of the certificate.
///
/// Thread: that of its workspace.
class TlsStream final : public ByteStream {
 public:
  static constexpr std::size_t kAheadBytesMax = std::size_t{64} * 1024;
  static constexpr std::size_t kKeyUpdatesPerReadMax = 32;

  /// The server's end of a connection that was just accepted. `fd` stays the caller's and must
  /// outlive the stream.
  TlsStream(int fd, std::shared_ptr<const TlsContext> context, TlsWorkspace& workspace);

  /// A client's end. `host` is the name or address that was dialed: it is asked for, and, where the
  /// context verifies, must be in the server's certificate. Calls of `handshake` come first.
  TlsStream(int fd, ssl_ctx_st* context, TlsWorkspace& workspace, const std::string& host);

  ~TlsStream() override;

  /// Goes as far as it can. kOk: done; kWouldBlock: when the socket can be read (or written, with
  /// unsent bytes). A server need not call it: reads do.
  IoResult handshake();

  IoResult read(MutableBytes into) override;
  bool has_unread() const override { return has_unread_; }
  IoResult write(std::span<const iovec> pieces) override;
  bool has_unsent() const override { return !unsent_.is_empty(); }
  IoResult flush() override;
  IoResult end_output() override;

 private:
  struct SslDeleter {
    void operator()(ssl_st* ssl) const;
  };

  void attach(ssl_ctx_st* context);
  IoResult receive(std::size_t bytes_max);
  IoResult go_on(MutableBytes into);
  IoResult do_handshake();
  IoResult decrypt(MutableBytes into);
  IoResult send_output();
  IoResult fail(int error, std::string why, TlsResult result = TlsResult::kFailed);
  IoResult fail_by_tls();

  TlsWorkspace& workspace_;
  std::shared_ptr<const TlsContext> context_;  ///< as long as the handshake lasts
  std::unique_ptr<ssl_st, SslDeleter> ssl_;
  std::unique_ptr<std::string> kept_input_;  ///< ciphertext that a small `into` had no room for
  OutputQueue unsent_;
  int fd_;
  int error_ = 0;  ///< not 0: it is over
  bool is_established_ : 1 = false;
  bool has_received_ : 1 = false;  ///< a byte, ever
  bool has_unread_ : 1 = false;
  bool has_ended_ : 1 = false;  ///< the peer said close_notify
  bool is_output_ended_ : 1 = false;
};

}  // namespace wspush::net
