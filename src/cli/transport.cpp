#include "cli/transport.hpp"

#include <array>
#include <cerrno>
#include <utility>

namespace wspush::cli {
namespace {

IoResult result_of(const net::IoResult& result) {
  return {.bytes = result.bytes,
          .has_ended = result.status == net::IoStatus::kEnd,
          .error = result.status == net::IoStatus::kError ? result.error : 0};
}

}  // namespace

Transport::Transport(UniqueFd fd, ssl_ctx_st* context, const std::string& host)
    : fd_(std::move(fd)),
      workspace_(std::make_unique<net::TlsWorkspace>()),
      stream_(std::make_unique<net::TlsStream>(fd_.get(), context, *workspace_, host)) {
}

Transport& Transport::operator=(Transport&& other) noexcept {
  close();
  fd_ = std::move(other.fd_);
  stream_ = std::move(other.stream_);  // Before what it stands on.
  workspace_ = std::move(other.workspace_);
  handshake_error_ = other.handshake_error_;
  return *this;
}

void Transport::close() {
  if (stream_ != nullptr) {
    stream_->end_output();
    stream_.reset();
  }
}

Transport::Handshake Transport::shake_hands() {
  if (stream_ == nullptr) {
    return Handshake::kDone;
  }
  const net::IoResult result = stream_->handshake();
  switch (result.status) {
    case net::IoStatus::kOk:
      return Handshake::kDone;
    case net::IoStatus::kWouldBlock:
      return Handshake::kPending;
    case net::IoStatus::kEnd:
    case net::IoStatus::kError:
      break;
  }
  handshake_error_ = result.error;
  return Handshake::kFailed;
}

std::string Transport::handshake_error() const {
  const std::string& why = workspace_->last_failure();
  const std::string text = "TLS: " + (why.empty() ? error_text(handshake_error_) : why);
  return handshake_error_ == EKEYREJECTED
             ? text + "; give who vouches for the server by --ca, or trust anybody by --insecure"
             : text;
}

IoResult Transport::read(MutableBytes buffer) {
  return stream_ == nullptr ? read_some(fd_.get(), buffer) : result_of(stream_->read(buffer));
}

IoResult Transport::send(ByteView bytes) {
  if (stream_ == nullptr) {
    return send_some(fd_.get(), bytes);
  }
  if (bytes.empty()) {
    IoResult flushed = result_of(stream_->flush());
    flushed.bytes = 0;  // They were counted when they were taken.
    return flushed;
  }
  const std::array<iovec, 1> piece{iovec{const_cast<char*>(bytes.data()), bytes.size()}};
  return result_of(stream_->write(piece));
}

}  // namespace wspush::cli
