#include "net/tls_handover.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "unit/net/raw_tls_client.hpp"

// Where OpenSSL stops and TlsRecords go on: if a secret or a number were wrong, nothing could be
// read on one side or the other.
namespace wspush::net {
namespace {

class TlsHandoverOfSuite : public ::testing::TestWithParam<const char*> {
 protected:
  TlsHandoverOfSuite() {
    EXPECT_EQ(SSL_CTX_set_ciphersuites(pair_.client_context.get(), GetParam()), 1);
  }

  TlsPair pair_;
};

INSTANTIATE_TEST_SUITE_P(All, TlsHandoverOfSuite,
                         ::testing::Values("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                           "TLS_CHACHA20_POLY1305_SHA256"));

TEST_P(TlsHandoverOfSuite, GoesOnBehindAFullHandshakeAndAResumedOne) {
  Session session;
  for (const bool is_resumed : {false, true, true}) {
    RawTlsClient client(pair_, pair_.client_context.get(), session.get());
    client.connect();
    EXPECT_STREQ(SSL_get_cipher_name(client.ssl()), GetParam());
    EXPECT_EQ(SSL_session_reused(client.ssl()) == 1, is_resumed);
    EXPECT_TRUE(client.server().has_records());
    client.expect_echo();
    session = client.session();
  }
}

TEST_P(TlsHandoverOfSuite, CountsTheTicketsHoweverManyThereAre) {
  for (const std::size_t tickets : {0U, 1U, 2U, 7U}) {
    SSL_CTX_set_num_tickets(pair_.context->first(), tickets);
    RawTlsClient client(pair_, pair_.client_context.get());
    client.connect();
    ASSERT_TRUE(client.server().has_records());
    client.expect_echo();
  }
}

TEST_P(TlsHandoverOfSuite, GoesOnWithBytesThatCameBehindTheFinished) {
  RawTlsClient client(pair_, pair_.client_context.get());
  SSL_do_handshake(client.ssl());
  ASSERT_EQ(client.hear().status, IoStatus::kWouldBlock);
  ASSERT_EQ(SSL_do_handshake(client.ssl()), 1);
  client.say("at once");
  client.say(", and more");
  ASSERT_EQ(client.hear().status, IoStatus::kOk);
  EXPECT_TRUE(client.server().has_records());
  EXPECT_EQ(client.heard, "at once, and more");
  client.expect_echo();
}

TEST_P(TlsHandoverOfSuite, SurvivesKeyUpdatesOfThePeer) {
  RawTlsClient client(pair_, pair_.client_context.get());
  client.connect();
  for (const int request : {SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED,
                            SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    ASSERT_EQ(SSL_key_update(client.ssl(), request), 1);
    client.expect_echo();
  }
}

class TlsHandoverTest : public ::testing::Test {
 protected:
  TlsPair pair_;
};

TEST_F(TlsHandoverTest, LeavesTls12ToOpenSsl) {
  SSL_CTX_set_max_proto_version(pair_.client_context.get(), TLS1_2_VERSION);
  RawTlsClient client(pair_, pair_.client_context.get());
  client.connect();
  EXPECT_FALSE(client.server().has_records());
  client.expect_echo();
}

TEST_F(TlsHandoverTest, WorksWithTheCertificateOfEveryName) {
  pair_.directory.make("other", {.names = "DNS:other.example", .common_name = "other"});
  pair_.reload({{pair_.directory.path("server.pem"), pair_.directory.path("server.key")},
                {pair_.directory.path("other.pem"), pair_.directory.path("other.key")}});
  RawTlsClient client(pair_, TlsPair::open_client({.verifies = false}).get());
  std::string name = "other.example";
  SSL_ctrl(client.ssl(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  client.connect();
  EXPECT_TRUE(client.server().has_records());
  client.expect_echo();
}

TEST_F(TlsHandoverTest, HasNothingToGiveBeforeTheSecretsAreTold) {
  TlsHandover handover;
  const std::unique_ptr<SSL, SslDeleter> ssl(SSL_new(pair_.context->first()));
  handover.listen_to(ssl.get());
  TlsCrypto crypto;
  EXPECT_EQ(handover.take_records(ssl.get(), crypto), nullptr);
  TlsHandover::leave(ssl.get());
}

}  // namespace
}  // namespace wspush::net
