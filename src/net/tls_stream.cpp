#include "net/tls_stream.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/check.hpp"
#include "net/tcp_stream.hpp"
#include "net/tls_error.hpp"

namespace wspush::net {
namespace {

/// Kept for a peer that does not read: one write, and what a handshake says meanwhile.
constexpr std::size_t kUnsentBytesMax = 2 * TlsStream::kAheadBytesMax;
/// Read at once at least, however small the caller's buffer is.
constexpr std::size_t kReceiveMin = 1024;

/// SSL_set_tlsext_host_name(), a macro with a cast in it.
bool ask_for(SSL* ssl, std::string host) {
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
}

}  // namespace

/// Takes pieces a record at a time.
class TlsStream::RecordCutter {
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

  /// Appends at most `bytes_max` to `out`; returns how many.
  std::size_t append_to(std::string& out, std::size_t bytes_max) {
    std::size_t size = 0;
    while (!is_done() && size < bytes_max) {
      const ByteView part = rest().substr(0, bytes_max - size);
      out += part;
      size += part.size();
      advance(part.size());
    }
    return size;
  }

 private:
  static constexpr std::size_t kRecordBytes = TlsWorkspace::kContentBytes;

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

void TlsStream::SslDeleter::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

TlsStream::TlsStream(int fd, std::shared_ptr<const TlsContext> context, TlsWorkspace& workspace)
    : workspace_(workspace),
      context_(std::move(context)),
      handover_(std::make_unique<TlsHandover>()),
      fd_(fd) {
  attach(context_->first());
  SSL_set_accept_state(ssl_.get());
  handover_->listen_to(ssl_.get());
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
}

IoResult TlsStream::fail(int error, std::string why, TlsResult result) {
  if (error_ == 0) {
    error_ = error;
    has_unread_ = false;
    is_unsent_new_ = false;
    unsent_.clear();
    if (!is_established_ && has_received_) {
      workspace_.count(result, std::move(why));
    }
  }
  return {IoStatus::kError, 0, error_};
}

/// Once there are records nobody asks why, and walks over many must not need memory for it.
IoResult TlsStream::fail_socket(int error) {
  return fail(error, is_established_ ? std::string() : std::generic_category().message(error));
}

/// OpenSSL has given up; it may have left an alert in the output, which says so to the peer.
IoResult TlsStream::fail_by_tls() {
  std::string why = take_tls_error();
  int error = EPROTO;
  if (const long verdict = SSL_get_verify_result(ssl_.get()); verdict != X509_V_OK) {
    why = X509_verify_cert_error_string(verdict);
    error = EKEYREJECTED;
  }
  send_alert();
  return fail(error, std::move(why));
}

/// The same for records. Behind our own close_notify there is nothing more to say.
IoResult TlsStream::fail_by_record(TlsAlert alert) {
  if (!is_output_ended_ && records_->seal_alert(alert, workspace_.output_, workspace_.crypto_)) {
    send_alert();
  }
  return fail(EPROTO, {});
}

/// The last words in the output. If there is no room, it goes without.
void TlsStream::send_alert() {
  if (is_unsent_new_) {
    static_cast<void>(flush());
  }
  if (unsent_.is_empty() && !workspace_.output_.empty()) {
    const iovec alert{workspace_.output_.data(), workspace_.output_.size()};
    static_cast<void>(write_some(fd_, {&alert, 1}));
  }
}

// --- input

/// What was kept is the input again, at the front of the workspace's room for it.
void TlsStream::restore_kept_input() {
  const std::unique_ptr<std::string> kept = std::move(kept_input_);
  workspace_.input_ = MutableBytes(workspace_.received_).first(kept == nullptr ? 0 : kept->size());
  if (kept != nullptr) {
    std::ranges::copy(*kept, workspace_.input_.begin());
  }
}

/// One read of the socket into the workspace, behind what is there already. An end is an error: see
/// has_ended_.
IoResult TlsStream::receive(std::size_t bytes_max) {
  const std::size_t before = workspace_.input_.size();
  const MutableBytes room = MutableBytes(workspace_.received_).subspan(before);
  const MutableBytes into = room.first(std::min(room.size(), std::max(bytes_max, kReceiveMin)));
  const IoResult result = read_some(fd_, into);
  if (result.status == IoStatus::kEnd) {
    return fail(ECONNRESET, "the peer closed within the handshake");
  }
  if (result.status == IoStatus::kError) {
    return fail_socket(result.error);
  }
  if (result.status == IoStatus::kOk) {
    workspace_.input_ = MutableBytes(workspace_.received_).first(before + result.bytes);
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
  try {
    return read_now(into);
  } catch (const std::bad_alloc&) {
    static_cast<void>(fail(ECONNABORTED, {}));  // What was taken or encrypted by then is lost.
    throw;
  }
}

IoResult TlsStream::read_now(MutableBytes into) {
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
    restore_kept_input();
    if (const IoResult result = go_on(into); result.status != IoStatus::kWouldBlock) {
      return result;
    }
  }
  // Not restored yet: with nothing to read there is nothing to do with it.
  const std::size_t kept_bytes = kept_input_ == nullptr ? 0 : kept_input_->size();
  workspace_.input_ = MutableBytes(workspace_.received_).first(kept_bytes);
  const IoResult received = receive(into.size());
  if (received.status != IoStatus::kOk) {
    return received;
  }
  if (kept_bytes > 0) {
    std::ranges::copy(*std::exchange(kept_input_, nullptr), workspace_.received_.begin());
  }
  return go_on(into);
}

IoResult TlsStream::handshake() {
  if (error_ != 0) {
    return {IoStatus::kError, 0, error_};
  }
  if (is_established_) {
    return {};
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

/// Does with the input of the workspace what can be done; what is said meanwhile is sent.
IoResult TlsStream::go_on(MutableBytes into) {
  workspace_.output_.clear();
  const bool was_established = is_established_;
  IoResult result = was_established ? IoResult{} : do_handshake();
  if (result.status == IoStatus::kOk && !into.empty()) {
    result = records_ != nullptr ? open_records(into) : decrypt(into);
  }
  if (error_ != 0) {
    return result;
  }
  if (!workspace_.input_.empty()) {
    kept_input_ = std::make_unique<std::string>(as_view(workspace_.input_));
    has_unread_ |= records_ == nullptr || TlsRecords::has_record(*kept_input_);
  }
  if (!was_established && result.bytes > 0 && unsent_.is_empty()) {
    keep_output_for_answer();
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
  const int done =
      handover_ != nullptr ? handover_->shake_hands(ssl_.get()) : SSL_do_handshake(ssl_.get());
  if (done != 1) {
    if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) {
      return {IoStatus::kWouldBlock, 0, 0};
    }
    return fail_by_tls();
  }
  if (handover_ != nullptr && handover_->has_secrets()) {
    records_ = handover_->take_records(ssl_.get(), workspace_.crypto_);
    if (records_ == nullptr) {
      return fail(ENOMEM, "its keys cannot be taken over");
    }
  }
  is_established_ = true;
  const bool is_resumed = SSL_session_reused(ssl_.get()) == 1;
  workspace_.count(is_resumed ? TlsResult::kResumed : TlsResult::kFull, {});
  if (records_ != nullptr) {
    ssl_.reset();
  } else if (handover_ != nullptr) {
    TlsHandover::leave(ssl_.get());
  }
  handover_.reset();
  context_.reset();
  return {};
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

/// As decrypt(), without OpenSSL.
IoResult TlsStream::open_records(MutableBytes into) {
  std::size_t got = 0;
  if (kept_content_ != nullptr) {
    const std::unique_ptr<std::string> kept = std::move(kept_content_);
    got = take_content(*kept, into);
  }
  bool wants_more = false;
  while (got < into.size() && !wants_more && !has_ended_) {
    const TlsRecords::Opened opened =
        records_->open(workspace_.input_, into.subspan(got), workspace_.crypto_);
    workspace_.input_ = workspace_.input_.subspan(opened.used);
    switch (opened.outcome) {
      case TlsRecords::Outcome::kNeedMore:
        wants_more = true;
        break;
      case TlsRecords::Outcome::kContent:
        got += take_content(opened.content, into.subspan(got));
        break;
      case TlsRecords::Outcome::kNothing:
        break;
      case TlsRecords::Outcome::kKeyUpdate:
        if (!records_->may_update_key(MonotonicClock::now())) {
          return fail_by_record(TlsAlert::kUnexpectedMessage);
        }
        break;
      case TlsRecords::Outcome::kEnd:
        has_ended_ = true;
        workspace_.input_ = {};  // RFC 8446 §6.1: what follows is ignored.
        break;
      case TlsRecords::Outcome::kRefused:
        return fail_by_record(opened.alert);
      case TlsRecords::Outcome::kAborted:
        return fail(EPROTO, {});
    }
  }
  if (!answer_key_update()) {
    return fail(ENOMEM, {});
  }
  has_unread_ = kept_content_ != nullptr || (has_ended_ && got > 0);
  if (got > 0) {
    return {IoStatus::kOk, got, 0};
  }
  return {has_ended_ ? IoStatus::kEnd : IoStatus::kWouldBlock, 0, 0};
}

/// Puts `content` into `into`, where it may stand already, and keeps what has no room.
std::size_t TlsStream::take_content(MutableBytes content, MutableBytes into) {
  const std::size_t taken = std::min(content.size(), into.size());
  if (content.data() != into.data()) {
    std::memcpy(into.data(), content.data(), taken);
  }
  if (taken < content.size()) {
    kept_content_ = std::make_unique<std::string>(as_view(content.subspan(taken)));
  }
  return taken;
}

// --- output

/// Sends what stands in the output, and keeps what the socket does not take.
IoResult TlsStream::send_output() {
  ByteView rest = workspace_.output_;
  IoResult result;
  if (!rest.empty() && unsent_.is_empty()) {
    const iovec piece{workspace_.output_.data(), rest.size()};
    result = write_some(fd_, {&piece, 1});
    if (result.status == IoStatus::kError) {
      return fail_socket(result.error);
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

/// A handshake ends with a ticket, and often with the first request in hand: then the ticket goes
/// with the answer, in one call and one packet.
void TlsStream::keep_output_for_answer() {
  try {
    unsent_.append(workspace_.output_);
  } catch (const std::bad_alloc&) {
    return;  // It goes by itself.
  }
  is_unsent_new_ = !unsent_.is_empty();
  workspace_.output_.clear();
}

/// To the front of the output, if it waits for that.
void TlsStream::take_kept_output() {
  if (!is_unsent_new_) {
    return;
  }
  is_unsent_new_ = false;
  workspace_.pieces_.clear();
  unsent_.fill(workspace_.pieces_, TlsWorkspace::kPiecesMax);
  for (const iovec& piece : workspace_.pieces_) {
    workspace_.output_.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  unsent_.consume(workspace_.output_.size());
}

/// Says that our key changes, if it has to. Not behind bytes that wait: whoever asks and does not
/// read is answered once, before the next application data (RFC 8446 §4.6.3).
bool TlsStream::answer_key_update() {
  if (!records_->owes_key_update() || is_output_ended_ || has_unsent()) {
    return true;
  }
  return records_->seal_key_update(workspace_.output_, workspace_.crypto_);
}

/// Puts one record into the output.
bool TlsStream::encrypt_some(RecordCutter& cutter, std::size_t& taken) {
  std::size_t bytes = 0;
  if (records_ != nullptr) {
    if (!answer_key_update()) {
      return false;
    }
    std::string& output = workspace_.output_;
    const std::size_t begin = output.size();
    output.append(TlsRecords::kHeaderBytes, '\0');
    bytes = cutter.append_to(output, records_->content_bytes_max());
    taken += bytes;
    return records_->seal(TlsContent::kApplicationData, begin, output, workspace_.crypto_);
  }
  const ByteView record = cutter.take(workspace_.record_);
  taken += record.size();
  clear_tls_errors();
  // The BIO takes everything, so there is no half of a record and nothing to repeat.
  return SSL_write_ex(ssl_.get(), record.data(), record.size(), &bytes) == 1 &&
         bytes == record.size();
}

IoResult TlsStream::write(std::span<const iovec> pieces) {
  if (error_ != 0) {
    return {IoStatus::kError, 0, error_};
  }
  if (!is_established_ || is_output_ended_) {
    return fail(ENOTCONN, "written to before or after its time");
  }
  RecordCutter cutter(pieces);
  workspace_.output_.clear();
  if (!cutter.is_done()) {
    take_kept_output();
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
  std::size_t taken = 0;
  while (!cutter.is_done() && !has_unsent()) {
    const std::size_t before = taken;
    while (taken - before < kAheadBytesMax && !cutter.is_done()) {
      if (!encrypt_some(cutter, taken)) {
        return records_ != nullptr ? fail(ENOMEM, {}) : fail_by_tls();
      }
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
  is_unsent_new_ = false;
  std::size_t moved = 0;
  while (has_unsent()) {
    workspace_.pieces_.clear();
    const std::size_t offered = unsent_.fill(workspace_.pieces_, TlsWorkspace::kPiecesMax);
    const IoResult result = write_some(fd_, workspace_.pieces_);
    if (result.status == IoStatus::kError) {
      return fail_socket(result.error);
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
  take_kept_output();
  if (records_ != nullptr) {
    if (!records_->seal_alert(TlsAlert::kCloseNotify, workspace_.output_, workspace_.crypto_)) {
      return fail(ENOMEM, {});
    }
    return send_output();
  }
  clear_tls_errors();
  if (SSL_shutdown(ssl_.get()) < 0) {
    return fail_by_tls();
  }
  return send_output();
}

}  // namespace wspush::net
