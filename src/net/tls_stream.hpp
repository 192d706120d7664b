#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "wspush/net/byte_stream.hpp"

#include "net/output_queue.hpp"
#include "net/tls_context.hpp"
#include "net/tls_handover.hpp"
#include "net/tls_records.hpp"
#include "net/tls_workspace.hpp"

struct ssl_st;

namespace wspush::net {

/// TLS over a non-blocking socket.
///
/// OpenSSL shakes hands. Behind a handshake of TLS 1.3 a server's end gives its `SSL` object back
/// (13 KB) and goes on with TlsRecords (0.2 KB); with TLS 1.2, and as a client, it keeps it.
///
/// Small pieces are gathered into full records (16 KiB), records of one write leave in one send. At
/// most kAheadBytesMax are encrypted ahead of the socket; what it does not take of these is kept,
/// and nothing more is taken until that is gone. Everything else that the peer can make us keep (a
/// record that is not whole yet, what a handshake says) is bounded too, or ends the stream.
///
/// A socket that ends without close_notify is an error: what came may have been cut by somebody on
/// the way. Errors are errno values; EPROTO is one of TLS, EKEYREJECTED one of the certificate.
///
/// Thread: that of its workspace.
class TlsStream final : public ByteStream {
 public:
  static constexpr std::size_t kAheadBytesMax = TlsWorkspace::kAheadBytesMax;

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

  /// Whether TlsRecords have taken over.
  bool has_records() const { return records_ != nullptr; }

  IoResult read(MutableBytes into) override;
  bool has_unread() const override { return has_unread_; }
  IoResult write(std::span<const iovec> pieces) override;
  bool has_unsent() const override { return !unsent_.is_empty(); }
  bool sends_unsent_along() const override { return is_unsent_new_; }
  IoResult flush() override;
  IoResult end_output() override;

 private:
  struct SslDeleter {
    void operator()(ssl_st* ssl) const;
  };
  class RecordCutter;

  void attach(ssl_ctx_st* context);
  void restore_kept_input();
  IoResult read_now(MutableBytes into);
  IoResult receive(std::size_t bytes_max);
  IoResult go_on(MutableBytes into);
  IoResult do_handshake();
  IoResult decrypt(MutableBytes into);
  IoResult open_records(MutableBytes into);
  std::size_t take_content(MutableBytes content, MutableBytes into);
  bool encrypt_some(RecordCutter& cutter, std::size_t& taken);
  bool answer_key_update();
  IoResult send_output();
  void keep_output_for_answer();
  void take_kept_output();
  void send_alert();
  IoResult fail(int error, std::string why, TlsResult result = TlsResult::kFailed);
  IoResult fail_socket(int error);
  IoResult fail_by_tls();
  IoResult fail_by_record(TlsAlert alert);

  TlsWorkspace& workspace_;
  std::shared_ptr<const TlsContext> context_;  ///< as long as the handshake lasts, as the next
  std::unique_ptr<TlsHandover> handover_;      ///< of a server
  std::unique_ptr<ssl_st, SslDeleter> ssl_;    ///< until there are records
  std::unique_ptr<TlsRecords> records_;
  std::unique_ptr<std::string> kept_input_;    ///< ciphertext: no room for it, or no whole record
  std::unique_ptr<std::string> kept_content_;  ///< of a record, that a small `into` had no room for
  OutputQueue unsent_;
  int fd_;
  int error_ = 0;  ///< not 0: it is over
  bool is_established_ : 1 = false;
  bool has_received_ : 1 = false;  ///< a byte, ever
  bool has_unread_ : 1 = false;
  bool has_ended_ : 1 = false;  ///< the peer said close_notify
  bool is_output_ended_ : 1 = false;
  bool is_unsent_new_ : 1 = false;  ///< the socket was not offered `unsent_` yet
};

}  // namespace wspush::net
