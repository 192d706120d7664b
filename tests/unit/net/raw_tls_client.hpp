#pragma once

#include <array>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "unit/net/tls_pair.hpp"

namespace wspush::net {

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
struct SessionDeleter {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using Session = std::unique_ptr<SSL_SESSION, SessionDeleter>;

/// A client that is OpenSSL and nothing of ours, on one end of a socket pair; on the other one a
/// TlsStream of `pair`. Both in one thread.
class RawTlsClient {
 public:
  RawTlsClient(TlsPair& pair, SSL_CTX* context, SSL_SESSION* session = nullptr)
      : server_(pair.serve(sockets_.ours.get())), ssl_(SSL_new(context)) {
    SSL_set_fd(ssl_.get(), sockets_.theirs.get());
    if (session != nullptr) {
      EXPECT_EQ(SSL_set_session(ssl_.get(), session), 1);
    }
    SSL_set_connect_state(ssl_.get());
  }

  /// Both sides are done afterwards.
  void connect() {
    for (int round = 0; round < 10 && SSL_do_handshake(ssl_.get()) != 1; ++round) {
      ASSERT_EQ(hear().status, IoStatus::kWouldBlock);
    }
    ASSERT_EQ(hear().status, IoStatus::kWouldBlock);
  }

  SSL* ssl() { return ssl_.get(); }
  TlsStream& server() { return *server_; }
  int our_fd() const { return sockets_.ours.get(); }
  int their_fd() const { return sockets_.theirs.get(); }

  /// One read of the server; what it got is in `heard`.
  IoResult hear() {
    const IoResult result = server_->read(buffer_);
    heard.assign(buffer_.data(), result.bytes);
    return result;
  }

  void say(const std::string& text) {
    ASSERT_EQ(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())),
              static_cast<int>(text.size()));
  }

  /// What the server's `write` took of it.
  std::size_t answer(const std::string& text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return server_->write({&piece, 1}).bytes;
  }

  /// One SSL_read of at most 16 KiB; empty if it gave nothing.
  std::string get() {
    std::string got(16384, '\0');
    const int bytes = SSL_read(ssl_.get(), got.data(), static_cast<int>(got.size()));
    got.resize(static_cast<std::size_t>(std::max(bytes, 0)));
    return got;
  }

  /// Both ways, `rounds` times.
  void expect_echo(int rounds = 2) {
    for (int i = 0; i < rounds; ++i) {
      say("up " + std::to_string(i));
      ASSERT_EQ(hear().status, IoStatus::kOk);
      EXPECT_EQ(heard, "up " + std::to_string(i));
      ASSERT_EQ(answer("down " + heard), 5 + heard.size());
      EXPECT_EQ(get(), "down " + heard);
    }
  }

  /// Of the tickets that came; one that a next connection can use.
  Session session() {
    SSL_shutdown(ssl_.get());  // Without, OpenSSL makes it useless.
    return Session(SSL_get1_session(ssl_.get()));
  }

  std::string heard;

 private:
  SocketPair sockets_ = unix_pair();
  std::unique_ptr<TlsStream> server_;
  std::unique_ptr<SSL, SslDeleter> ssl_;
  std::array<char, 64 * 1024> buffer_{};
};

}  // namespace wspush::net
