#include "net/tls_tickets.hpp"

#include <string>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "unit/net/tls_pair.hpp"

namespace wspush::net {
namespace {

/// A client that comes again and again, with the session of its last visit.
class TlsTickets : public ::testing::TestWithParam<int> {
 protected:
  ~TlsTickets() override { SSL_SESSION_free(session_); }

  /// True: it was resumed.
  bool visit() {
    const SocketPair sockets = unix_pair();
    auto server = pair_.serve(sockets.ours.get());
    SSL* const ssl = SSL_new(pair_.client_context.get());
    SSL_set_max_proto_version(ssl, GetParam());
    SSL_set_fd(ssl, sockets.theirs.get());
    std::string name = "localhost";
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    if (session_ != nullptr) {
      SSL_set_session(ssl, session_);
    }
    std::array<char, 64> buffer{};
    for (int round = 0; round < 10 && SSL_connect(ssl) != 1; ++round) {
      EXPECT_NE(server->read(buffer).status, IoStatus::kError);
    }
    server->read(buffer);
    SSL_read(ssl, buffer.data(), 1);  // Takes the ticket of TLS 1.3.
    const bool is_resumed = SSL_session_reused(ssl) == 1;
    SSL_SESSION_free(session_);
    session_ = SSL_get1_session(ssl);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    return is_resumed;
  }

  TlsPair pair_;
  SSL_SESSION* session_ = nullptr;
};

TEST_P(TlsTickets, ResumeAlsoAfterAReload) {
  EXPECT_FALSE(visit());
  EXPECT_TRUE(visit());
  pair_.reload({{pair_.directory.path("server.pem"), pair_.directory.path("server.key")}});
  EXPECT_TRUE(visit());
  EXPECT_EQ(pair_.server_side.count_of(TlsResult::kFull), 1U);
  EXPECT_EQ(pair_.server_side.count_of(TlsResult::kResumed), 2U);
}

TEST_P(TlsTickets, OfTheKeyBeforeAreGoodAndOfTheOneBeforeThatAreNot) {
  visit();
  pair_.tickets.rotate(MonotonicClock::now());
  SSL_SESSION* const old = session_;
  SSL_SESSION_up_ref(old);
  EXPECT_TRUE(visit());
  pair_.tickets.rotate(MonotonicClock::now());
  SSL_SESSION_free(session_);
  session_ = old;
  EXPECT_FALSE(visit());
  EXPECT_TRUE(visit());
}

TEST_P(TlsTickets, OfAnotherProcessAreNot) {
  visit();
  TlsTicketKeys others;
  pair_.context = *TlsContext::open(
      {{{pair_.directory.path("server.pem"), pair_.directory.path("server.key")}}}, others);
  EXPECT_FALSE(visit());
  pair_.context.reset();
}

TEST_P(TlsTickets, AreSealedWithANewKeyWhenTheCurrentOneIsTooOld) {
  visit();
  pair_.tickets.rotate(MonotonicClock::now() - TlsTicketKeys::kLifetime);
  EXPECT_TRUE(visit());  // by the key before; the ticket that it gets makes a new key
  EXPECT_TRUE(visit());
  EXPECT_EQ(pair_.server_side.count_of(TlsResult::kResumed), 2U);
}

TEST_P(TlsTickets, ComeWithEveryVisitWhereEachIsUsedOnce) {
  const auto ticket = [this] {
    const unsigned char* bytes = nullptr;
    std::size_t count = 0;
    SSL_SESSION_get0_ticket(session_, &bytes, &count);
    return std::string(bytes, bytes + count);
  };
  visit();
  const std::string first = ticket();
  EXPECT_TRUE(visit());
  EXPECT_EQ(ticket() != first, GetParam() == TLS1_3_VERSION);
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsTickets, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

}  // namespace
}  // namespace wspush::net
