#include "net/tls_context.hpp"

#include <filesystem>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "unit/net/tls_pair.hpp"

namespace wspush::net {
namespace {

class TlsContextFiles : public ::testing::Test {
 protected:
  TlsFileFault fault_of(const std::string& certificate, const std::string& key) {
    return fault_of({{directory_.path(certificate), directory_.path(key)}});
  }
  TlsFileFault fault_of(std::vector<TlsFiles> pairs) {
    const auto opened = TlsContext::open({std::move(pairs)}, tickets_);
    EXPECT_FALSE(opened);
    return opened ? TlsFileFault{} : opened.error();
  }

  CertificateDirectory directory_;
  TlsTicketKeys tickets_;
};

TEST_F(TlsContextFiles, AFileThatCannotBeReadIsNamedWithTheReason) {
  directory_.make("a");
  TlsFileFault fault = fault_of("none.pem", "a.key");
  EXPECT_FALSE(fault.is_key);
  EXPECT_EQ(fault.message,
            directory_.path("none.pem") + ": cannot be read: No such file or directory");
  fault = fault_of("a.pem", "none.key");
  EXPECT_TRUE(fault.is_key);
  EXPECT_EQ(fault.message,
            directory_.path("none.key") + ": cannot be read: No such file or directory");
  std::filesystem::create_directory(directory_.path("folder"));
  EXPECT_EQ(fault_of("folder", "a.key").message,
            directory_.path("folder") + ": cannot be read: Is a directory");
}

TEST_F(TlsContextFiles, AKeyOfAnotherCertificateIsRefused) {
  directory_.make("a");
  directory_.make("b");
  const TlsFileFault fault = fault_of("a.pem", "b.key");
  EXPECT_TRUE(fault.is_key);
  EXPECT_EQ(fault.message, directory_.path("b.key") + ": does not belong to the certificate " +
                               directory_.path("a.pem"));
}

TEST_F(TlsContextFiles, TheFaultTellsWhichPairItIs) {
  directory_.make("a");
  directory_.make("b");
  const TlsFileFault fault = fault_of({{directory_.path("a.pem"), directory_.path("a.key")},
                                       {directory_.path("b.pem"), directory_.path("a.key")}});
  EXPECT_EQ(fault.pair, 1U);
  EXPECT_TRUE(fault.is_key);
}

TEST_F(TlsContextFiles, AnEncryptedKeyIsRefusedWithoutAskingAnybody) {
  directory_.make("a", {.passphrase = "secret"});
  const TlsFileFault fault = fault_of("a.pem", "a.key");
  EXPECT_TRUE(fault.is_key);
  EXPECT_EQ(fault.message,
            directory_.path("a.key") + ": is encrypted; a key without a passphrase is needed");
}

TEST_F(TlsContextFiles, WhatIsNoPemIsRefused) {
  directory_.make("a");
  directory_.write("junk", "junk\n");
  directory_.write("empty", "");
  directory_.write("half", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
  EXPECT_EQ(fault_of("junk", "a.key").message,
            directory_.path("junk") + ": holds no PEM certificate");
  EXPECT_EQ(fault_of("empty", "a.key").message,
            directory_.path("empty") + ": holds no PEM certificate");
  EXPECT_EQ(fault_of("a.pem", "junk").message,
            directory_.path("junk") + ": holds no PEM private key");
  EXPECT_TRUE(
      fault_of("half", "a.key")
          .message.starts_with(directory_.path("half") + ": certificate 1 cannot be read: "));
  EXPECT_EQ(fault_of("a.key", "a.key").message,
            directory_.path("a.key") + ": holds no PEM certificate");
}

TEST_F(TlsContextFiles, AFileThatIsNoPlainFileOrTooLargeIsRefused) {
  directory_.make("a");
  directory_.write("large", std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(fault_of("large", "a.key").message,
            directory_.path("large") + ": cannot be read: File too large: allowed are 1 MiB");
}

TEST_F(TlsContextFiles, ACertificateOutOfItsTimeIsUsedAndWarnedOf) {
  directory_.make("old", {.begins_in_s = -7200, .ends_in_s = -3600});
  directory_.make("new", {.begins_in_s = 3600, .ends_in_s = 7200});
  directory_.make("good");
  const auto opened =
      TlsContext::open({{{directory_.path("old.pem"), directory_.path("old.key")},
                         {directory_.path("new.pem"), directory_.path("new.key")},
                         {directory_.path("good.pem"), directory_.path("good.key")}}},
                       tickets_);
  ASSERT_TRUE(opened) << opened.error().message;
  const auto& warnings = (*opened)->warnings();
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_TRUE(
      warnings[0].starts_with(directory_.path("old.pem") + ": the certificate has expired on "));
  EXPECT_TRUE(warnings[1].starts_with(directory_.path("new.pem") +
                                      ": the certificate is valid only from "));
}

TEST_F(TlsContextFiles, AClientsRootsMustBeReadable) {
  const auto opened = open_tls_client_context({.ca_file = directory_.path("none.pem")});
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().starts_with(directory_.path("none.pem") + " cannot be read: "));
  EXPECT_TRUE(open_tls_client_context({}));
}

/// Shakes hands as a bare OpenSSL client, to see what a server says.
class TlsHandshake : public ::testing::Test {
 protected:
  struct Outcome {
    bool is_done = false;
    std::string common_name;
    std::string protocol;
    std::string alpn;
    std::string failure;  ///< on the server's side
  };

  TlsHandshake() { pair_.client_context = TlsPair::open_client({.verifies = false}); }

  template <typename Prepare>
  Outcome shake_hands(const std::string& name, Prepare&& prepare) {
    const SocketPair sockets = unix_pair();
    TlsPair& pair = pair_;
    auto server = pair.serve(sockets.ours.get());
    SSL* const ssl = SSL_new(pair.client_context.get());
    SSL_set_fd(ssl, sockets.theirs.get());
    if (!name.empty()) {
      std::string copy = name;
      SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, copy.data());
    }
    prepare(ssl);
    Outcome outcome;
    std::array<char, 64> buffer{};
    bool has_failed = false;
    for (int round = 0; round < 10 && !outcome.is_done && !has_failed; ++round) {
      outcome.is_done = SSL_connect(ssl) == 1;
      has_failed = server->read(buffer).status == IoStatus::kError;
    }
    if (outcome.is_done && !has_failed) {
      const X509* certificate = SSL_get0_peer_certificate(ssl);
      std::array<char, 100> text{};
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text.data(),
                                text.size());
      outcome.common_name = text.data();
      outcome.protocol = SSL_get_version(ssl);
      const unsigned char* chosen = nullptr;
      unsigned int size = 0;
      SSL_get0_alpn_selected(ssl, &chosen, &size);
      outcome.alpn.assign(reinterpret_cast<const char*>(chosen), size);
    }
    outcome.is_done = outcome.is_done && !has_failed;
    outcome.failure = pair.server_side.last_failure();
    SSL_free(ssl);
    return outcome;
  }
  Outcome shake_hands(const std::string& name) {
    return shake_hands(name, [](SSL*) {});
  }

  static void offer(SSL* ssl, std::string protocols) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  }

  TlsPair pair_;
};

TEST_F(TlsHandshake, TheNameThatIsAskedForChoosesTheCertificate) {
  const CertificateDirectory& directory = pair_.directory;
  directory.make("first", {.names = "DNS:first.example", .common_name = "first"});
  directory.make("second", {.names = "DNS:second.example,DNS:*.wild.example,DNS:UPPER.example",
                            .common_name = "second"});
  directory.make("third",
                 {.names = "DNS:first.example,DNS:special.wild.example", .common_name = "third"});
  directory.make("plain", {.names = "", .common_name = "Plain.Example"});
  directory.make("hidden", {.names = "DNS:other.example", .common_name = "hidden.example"});
  std::vector<TlsFiles> pairs;
  for (const std::string name : {"first", "second", "third", "plain", "hidden"}) {
    pairs.push_back({directory.path(name + ".pem"), directory.path(name + ".key")});
  }
  pair_.reload(pairs);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"", "first"},
      {"first.example", "first"},  // the third has it too, but comes later
      {"second.example", "second"},
      {"SECOND.example", "second"},
      {"upper.EXAMPLE", "second"},
      {"a.wild.example", "second"},
      {"special.wild.example", "third"},  // an exact name goes before a wildcard
      {"a.b.wild.example", "first"},      // a wildcard is one label
      {"wild.example", "first"},
      {"plain.example", "Plain.Example"},  // no DNS name in it: the common name counts
      {"hidden.example", "first"},         // one in it: it does not
      {"other.example", "hidden.example"},
      {"unknown.example", "first"},
  };
  for (const auto& [name, certificate] : expected) {
    const Outcome outcome = shake_hands(name);
    EXPECT_TRUE(outcome.is_done) << name << ": " << outcome.failure;
    EXPECT_EQ(outcome.common_name, certificate) << name;
  }
}

TEST_F(TlsHandshake, BothVersionsAreSpokenUnlessToldOtherwise) {
  const auto only12 = [](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); };
  EXPECT_EQ(shake_hands("").protocol, "TLSv1.3");
  EXPECT_EQ(shake_hands("", only12).protocol, "TLSv1.2");
  pair_.reload({{pair_.directory.path("server.pem"), pair_.directory.path("server.key")}}, true);
  EXPECT_EQ(shake_hands("").protocol, "TLSv1.3");
  const Outcome refused = shake_hands("", only12);
  EXPECT_FALSE(refused.is_done);
  EXPECT_EQ(refused.failure, "unsupported protocol");
}

TEST_F(TlsHandshake, WithoutForwardSecrecyNothingIsSpoken) {
  const Outcome refused = shake_hands("", [](SSL* ssl) {
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    SSL_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256:@SECLEVEL=0");
  });
  EXPECT_FALSE(refused.is_done);
  EXPECT_EQ(refused.failure, "no shared cipher");
}

// RFC 7301 §3.2
TEST_F(TlsHandshake, AlpnIsHttp11OrTheClientIsRefused) {
  pair_.client_context = TlsPair::open_client({.verifies = false});
  EXPECT_EQ(shake_hands("", [](SSL* ssl) { offer(ssl, "\x02h2\x08http/1.1"); }).alpn, "http/1.1");
  EXPECT_EQ(shake_hands("", [](SSL* ssl) { offer(ssl, "\x08http/1.1"); }).alpn, "http/1.1");
  const Outcome refused = shake_hands("", [](SSL* ssl) { offer(ssl, "\x02h2"); });
  EXPECT_FALSE(refused.is_done);
  EXPECT_EQ(refused.failure, "no application protocol");
  SSL_CTX_set_alpn_protos(pair_.client_context.get(), nullptr, 0);
  const Outcome silent = shake_hands("");
  EXPECT_TRUE(silent.is_done);
  EXPECT_EQ(silent.alpn, "");
}

TEST_F(TlsHandshake, AReloadChangesTheNextHandshakeAndNotOneThatHasBegun) {
  const SocketPair sockets = unix_pair();
  auto server = pair_.serve(sockets.ours.get());
  pair_.directory.make("next", {.common_name = "next"});
  const std::weak_ptr<const TlsContext> old = pair_.context;
  pair_.reload({{pair_.directory.path("next.pem"), pair_.directory.path("next.key")}});
  EXPECT_EQ(shake_hands("").common_name, "next");
  auto client = pair_.dial(sockets.theirs.get());
  EXPECT_FALSE(old.expired());
  EXPECT_EQ(TlsPair::shake_hands(*client, *server).status, IoStatus::kOk);
  std::array<char, 64> buffer{};
  EXPECT_EQ(server->read(buffer).status, IoStatus::kWouldBlock);
  EXPECT_TRUE(old.expired()) << "nobody needs it any more";
}

}  // namespace
}  // namespace wspush::net
