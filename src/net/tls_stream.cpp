#include "net/tls_stream.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/check.hpp"
#include "net/tcp_stream.hpp"
#include "net/tls_error.hpp"

namespace wspush::net {
namespace {

// RFC 8446 §5.1.
constexpr std::size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;
/// Room for the ciphertext of one write: its records, 22 to 29 bytes more each, and what else a
/// handshake may say at once.
constexpr std::size_t kOutputBytes = TlsStream::kAheadBytesMax + 2 * kRecordBytes;
/// Kept for a peer that does not read: one write, and answers to what it sends meanwhile.
constexpr std::size_t kUnsentBytesMax = 2 * TlsStream::kAheadBytesMax;
/// Read at once at least, however small the caller's buffer is.
constexpr std::size_t kReceiveMin = 1024;
constexpr std::size_t kFlushPieces = 64;

/// Takes pieces a record at a time.
class RecordCutter {
 public:
  explicit RecordCutter(std::span<const iovec> pieces) : pieces_(pieces) { skip_empty(); }

  bool is_done() const { return pieces_.empty(); }

  /// At most a record: out of the piece itself where that is enough, else gathered in `scratch`.
  ByteView take(std::vector<char>& scratch) {
    if (rest().size() >= kRecordBytes || pieces_.size() == 1) {
      const ByteView record = rest().substr(0, kRecordBytes);
      advance(record.size());
      return record;
    }
    std::size_t size = 0;
    while (!is_done() && size < kRecordBytes) {
      const ByteView part = rest().substr(0, kRecordBytes - size);
      std::memcpy(scratch.data() + size, part.data(), part.size());
      size += part.size();
      advance(part.size());
    }
    return {scratch.data(), size};
  }

 private:
  ByteView rest() const {
    return ByteView(static_cast<const char*>(pieces_[0].iov_base), pieces_[0].iov_len)
        .substr(used_);
  }
  void advance(std::size_t bytes) {
    used_ += bytes;
    skip_empty();
  }
  void skip_empty() {
    while (!pieces_.empty() && used_ == pieces_[0].iov_len) {
      pieces_ = pieces_.subspan(1);
      used_ = 0;
    }
  }

  std::span<const iovec> pieces_;
  std::size_t used_ = 0;  ///< of the first piece
};

/// SSL_set_tlsext_host_name(), a macro with a cast in it.
bool ask_for(SSL* ssl, std::string host) {
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
}

}  // namespace

// --- the workspace

/// The BIO that OpenSSL reads and writes with. It never waits for a socket: reads take from
/// `input_` until that is empty, writes always go to `output_`. uSockets shares its BIOs in the
/// same way; OpenSSL keeps nothing of a connection in them.
struct TlsWorkspace::BioMethod {
  static int read(BIO* bio, char* into, int size) {
    auto& workspace = *static_cast<TlsWorkspace*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const std::size_t taken = std::min(workspace.input_.size(), static_cast<std::size_t>(size));
    if (taken == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(into, workspace.input_.data(), taken);
    workspace.input_ = workspace.input_.subspan(taken);
    return static_cast<int>(taken);
  }

  static int write(BIO* bio, const char* bytes, int size) {
    auto& workspace = *static_cast<TlsWorkspace*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    try {
      workspace.output_.append(bytes, static_cast<std::size_t>(size));
    } catch (const std::bad_alloc&) {
      return -1;  // Nothing may be thrown through OpenSSL; without the retry flag it is an error.
    }
    return size;
  }

  static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static const BIO_METHOD* get() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wspush");
      WSPUSH_CHECK(made != nullptr && BIO_meth_set_read(made, &read) == 1 &&
                   BIO_meth_set_write(made, &write) == 1 && BIO_meth_set_ctrl(made, &control) == 1);
      return made;
    }();
    return method;
  }
};

/// OpenSSL takes as many key updates as there are before it comes back, and says so here. With one
/// too many, what is behind it is thrown away: the stream will end.
struct TlsWorkspace::KeyUpdateCounter {
  static void call(int is_sent, int /*version*/, int type, const void* bytes, std::size_t size,
                   SSL* /*ssl*/, void* workspace) {
    auto& self = *static_cast<TlsWorkspace*>(workspace);
    if (is_sent == 0 && type == SSL3_RT_HANDSHAKE && size > 0 &&
        *static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE &&
        ++self.key_updates_ > TlsStream::kKeyUpdatesPerReadMax) {
      self.input_ = {};
    }
  }
};

void TlsWorkspace::BioDeleter::operator()(bio_st* bio) const {
  BIO_free(bio);
}

TlsWorkspace::TlsWorkspace()
    : received_(kReceivedBytes), record_(kRecordBytes), bio_(BIO_new(BioMethod::get())) {
  if (bio_ == nullptr) {
    throw std::bad_alloc();
  }
  pieces_.reserve(kFlushPieces);
  output_.reserve(kOutputBytes);
  BIO_set_data(bio_.get(), this);
  BIO_set_init(bio_.get(), 1);
}

TlsWorkspace::~TlsWorkspace() = default;

void TlsWorkspace::count(TlsResult result, std::string why) {
  ++counts_[static_cast<std::size_t>(result)];
  if (!why.empty()) {
    last_failure_ = std::move(why);
  }
}

// --- the stream

void TlsStream::SslDeleter::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

TlsStream::TlsStream(int fd, std::shared_ptr<const TlsContext> context, TlsWorkspace& workspace)
    : workspace_(workspace), context_(std::move(context)), fd_(fd) {
  attach(context_->first());
  SSL_set_accept_state(ssl_.get());
}

TlsStream::TlsStream(int fd, ssl_ctx_st* context, TlsWorkspace& workspace, const std::string& host)
    : workspace_(workspace), fd_(fd) {
  attach(context);
  SSL_set_connect_state(ssl_.get());
  in6_addr address;
  const bool is_address = ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
                          ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
  // RFC 6066 §3: an address is no name to ask for.
  const bool is_set =
      is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str()) == 1
                 : SSL_set1_host(ssl_.get(), host.c_str()) == 1 && ask_for(ssl_.get(), host);
  if (!is_set) {
    throw std::bad_alloc();
  }
}

TlsStream::~TlsStream() {
  // A probe that only connects is no handshake.
  if (!is_established_ && has_received_ && error_ == 0) {
    workspace_.count(TlsResult::kFailed, "the handshake was not finished");
  }
}

void TlsStream::attach(ssl_ctx_st* context) {
  ssl_.reset(SSL_new(context));
  if (ssl_ == nullptr) {
    throw std::bad_alloc();
  }
  WSPUSH_CHECK(BIO_up_ref(workspace_.bio_.get()) == 1);
  SSL_set_bio(ssl_.get(), workspace_.bio_.get(), workspace_.bio_.get());
  SSL_set_msg_callback(ssl_.get(), &TlsWorkspace::KeyUpdateCounter::call);
  SSL_set_msg_callback_arg(ssl_.get(), &workspace_);
}

IoResult TlsStream::fail(int error, std::string why, TlsResult result) {
  if (error_ == 0) {
    error_ = error;
    unsent_.clear();
    if (!is_established_ && has_received_) {
      workspace_.count(result, std::move(why));
    }
  }
  return {IoStatus::kError, 0, error_};
}

/// OpenSSL has given up; it may have left an alert in the output, which says so to the peer.
IoResult TlsStream::fail_by_tls() {
  std::string why = take_tls_error();
  int error = EPROTO;
  if (const long verdict = SSL_get_verify_result(ssl_.get()); verdict != X509_V_OK) {
    why = X509_verify_cert_error_string(verdict);
    error = EKEYREJECTED;
  }
  if (unsent_.is_empty() && !workspace_.output_.empty()) {
    const iovec alert{workspace_.output_.data(), workspace_.output_.size()};
    static_cast<void>(write_some(fd_, {&alert, 1}));  // If there is no room, it goes without.
  }
  return fail(error, std::move(why));
}

// --- input

/// One read of the socket into the workspace. An end is an error: see has_ended_.
IoResult TlsStream::receive(std::size_t bytes_max) {
  const MutableBytes into(workspace_.received_.data(),
                          std::min(workspace_.received_.size(), std::max(bytes_max, kReceiveMin)));
  const IoResult result = read_some(fd_, into);
  if (result.status == IoStatus::kEnd) {
    return fail(ECONNRESET, "the peer closed within the handshake");
  }
  if (result.status == IoStatus::kError) {
    return fail(result.error, std::generic_category().message(result.error));
  }
  if (result.status == IoStatus::kOk) {
    workspace_.input_ = into.first(result.bytes);
    if (!has_received_) {
      has_received_ = true;
      const bool is_handshake = into[0] == SSL3_RT_HANDSHAKE;
      const bool is_alert = into[0] == SSL3_RT_ALERT && SSL_is_server(ssl_.get()) == 0;
      if (!is_handshake && !is_alert) {
        return fail(EPROTO, "the peer does not speak TLS", TlsResult::kNotTls);
      }
    }
  }
  return result;
}

IoResult TlsStream::read(MutableBytes into) {
  const bool had_unread = has_unread_;
  has_unread_ = false;
  if (error_ != 0) {
    return {IoStatus::kError, 0, error_};
  }
  if (has_ended_) {
    return {IoStatus::kEnd, 0, 0};
  }
  if (!is_established_) {
    if (workspace_.handshake_steps_ == 0) {
      return {IoStatus::kWouldBlock, 0, 0};
    }
    --workspace_.handshake_steps_;
  }
  if (had_unread) {
    const std::unique_ptr<std::string> kept = std::move(kept_input_);
    workspace_.input_ = kept == nullptr ? MutableBytes() : MutableBytes(*kept);
    if (const IoResult result = go_on(into); result.status != IoStatus::kWouldBlock) {
      return result;
    }
  }
  const IoResult received = receive(into.size());
  return received.status == IoStatus::kOk ? go_on(into) : received;
}

IoResult TlsStream::handshake() {
  if (error_ != 0) {
    return {IoStatus::kError, 0, error_};
  }
  if (has_unsent()) {
    if (const IoResult flushed = flush(); flushed.status == IoStatus::kError) {
      return flushed;
    }
  }
  workspace_.input_ = {};
  // A client has the first word.
  if (has_received_ || SSL_is_server(ssl_.get()) == 1 ||
      SSL_get_state(ssl_.get()) != TLS_ST_BEFORE) {
    if (const IoResult received = receive(0); received.status != IoStatus::kOk) {
      return received;
    }
  }
  const IoResult result = go_on({});
  return is_established_ && error_ == 0 ? IoResult{} : result;
}

/// Does with the input of the workspace what can be done; what OpenSSL says meanwhile is sent.
IoResult TlsStream::go_on(MutableBytes into) {
  workspace_.output_.clear();
  workspace_.key_updates_ = 0;
  IoResult result = is_established_ ? IoResult{} : do_handshake();
  if (result.status == IoStatus::kOk && !into.empty()) {
    result = decrypt(into);
  }
  if (error_ != 0) {
    return result;
  }
  if (workspace_.key_updates_ > kKeyUpdatesPerReadMax) {
    return fail(EPROTO, "the peer changes its keys all the time");
  }
  if (!workspace_.input_.empty()) {
    kept_input_ = std::make_unique<std::string>(as_view(workspace_.input_));
    has_unread_ = true;
  }
  if (const IoResult sent = send_output(); sent.status == IoStatus::kError) {
    return sent;
  }
  if (unsent_.bytes() > kUnsentBytesMax) {
    return fail(EPROTO, "the peer does not read the answers that it asks for");
  }
  return result;
}

IoResult TlsStream::do_handshake() {
  clear_tls_errors();
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) {
    is_established_ = true;
    context_.reset();
    const bool is_resumed = SSL_session_reused(ssl_.get()) == 1;
    workspace_.count(is_resumed ? TlsResult::kResumed : TlsResult::kFull, {});
    return {};
  }
  if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) {
    return {IoStatus::kWouldBlock, 0, 0};
  }
  return fail_by_tls();
}

IoResult TlsStream::decrypt(MutableBytes into) {
  std::size_t got = 0;
  bool wants_more = false;
  while (got < into.size() && !wants_more && !has_ended_) {
    std::size_t bytes = 0;
    clear_tls_errors();
    if (SSL_read_ex(ssl_.get(), into.data() + got, into.size() - got, &bytes) == 1) {
      got += bytes;
      continue;
    }
    switch (SSL_get_error(ssl_.get(), 0)) {
      case SSL_ERROR_WANT_READ:
        wants_more = true;
        break;
      case SSL_ERROR_ZERO_RETURN:
        has_ended_ = true;
        workspace_.input_ = {};  // RFC 8446 §6.1: what follows is ignored.
        break;
      default:
        return fail_by_tls();
    }
  }
  // A full buffer may have left something, and the end is told by a call of its own.
  has_unread_ = got == into.size() || (has_ended_ && got > 0);
  if (got > 0) {
    return {IoStatus::kOk, got, 0};
  }
  return {has_ended_ ? IoStatus::kEnd : IoStatus::kWouldBlock, 0, 0};
}

// --- output

/// Sends what OpenSSL has made, and keeps what the socket does not take.
IoResult TlsStream::send_output() {
  ByteView rest = workspace_.output_;
  IoResult result;
  if (!rest.empty() && unsent_.is_empty()) {
    const iovec piece{workspace_.output_.data(), rest.size()};
    result = write_some(fd_, {&piece, 1});
    if (result.status == IoStatus::kError) {
      return fail(result.error, std::generic_category().message(result.error));
    }
    rest.remove_prefix(result.bytes);
  }
  try {
    unsent_.append(rest);
  } catch (const std::bad_alloc&) {
    return fail(ECONNABORTED, "out of memory");  // A record is lost, and with it the stream.
  }
  workspace_.output_.clear();
  return result;
}

IoResult TlsStream::write(std::span<const iovec> pieces) {
  if (error_ != 0) {
    return {IoStatus::kError, 0, error_};
  }
  if (!is_established_ || is_output_ended_) {
    return fail(ENOTCONN, "written to before or after its time");
  }
  if (has_unsent()) {
    const IoResult flushed = flush();
    if (flushed.status == IoStatus::kError) {
      return flushed;
    }
    if (has_unsent()) {
      return {IoStatus::kWouldBlock, 0, flushed.error};
    }
  }
  RecordCutter cutter(pieces);
  std::size_t taken = 0;
  while (!cutter.is_done() && !has_unsent()) {
    workspace_.output_.clear();
    for (std::size_t ahead = 0; ahead < kAheadBytesMax && !cutter.is_done();) {
      const ByteView record = cutter.take(workspace_.record_);
      std::size_t bytes = 0;
      clear_tls_errors();
      // The BIO takes everything, so there is no half of a record and nothing to repeat.
      if (SSL_write_ex(ssl_.get(), record.data(), record.size(), &bytes) != 1 ||
          bytes != record.size()) {
        return fail_by_tls();
      }
      ahead += bytes;
      taken += bytes;
    }
    if (const IoResult sent = send_output(); sent.status == IoStatus::kError) {
      return sent;
    }
  }
  return {IoStatus::kOk, taken, 0};
}

IoResult TlsStream::flush() {
  if (error_ != 0) {
    return {IoStatus::kError, 0, error_};
  }
  std::size_t moved = 0;
  while (has_unsent()) {
    workspace_.pieces_.clear();
    const std::size_t offered = unsent_.fill(workspace_.pieces_, kFlushPieces);
    const IoResult result = write_some(fd_, workspace_.pieces_);
    if (result.status == IoStatus::kError) {
      return fail(result.error, std::generic_category().message(result.error));
    }
    unsent_.consume(result.bytes);
    moved += result.bytes;
    if (result.bytes < offered) {
      return {moved > 0 ? IoStatus::kOk : IoStatus::kWouldBlock, moved, result.error};
    }
  }
  return {IoStatus::kOk, moved, 0};
}

IoResult TlsStream::end_output() {
  if (error_ != 0) {
    return {IoStatus::kError, 0, error_};
  }
  if (is_output_ended_) {
    return {};
  }
  is_output_ended_ = true;
  if (!is_established_) {
    return {};  // In the middle of a handshake there is nothing to end.
  }
  workspace_.output_.clear();
  clear_tls_errors();
  if (SSL_shutdown(ssl_.get()) < 0) {
    return fail_by_tls();
  }
  return send_output();
}

}  // namespace wspush::net
