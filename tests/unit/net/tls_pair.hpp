#pragma once

#include <gtest/gtest.h>

#include "net/tls_stream.hpp"
#include "unit/net/test_certificates.hpp"
#include "unit/net/test_sockets.hpp"

namespace wspush::net {

/// Certificates, a context and workspaces for tests with both ends of TLS in one thread.
struct TlsPair {
  explicit TlsPair(const CertificateSpec& spec = {}) {
    directory.make("server", spec);
    reload({{directory.path("server.pem"), directory.path("server.key")}});
    client_context = open_client({.ca_file = directory.path("server.pem")});
  }

  void reload(std::vector<TlsFiles> pairs, bool refuses_tls_1_2 = false) {
    auto opened = TlsContext::open({std::move(pairs), refuses_tls_1_2}, tickets);
    ASSERT_TRUE(opened) << opened.error().message;
    context = *opened;
  }

  static SslContext open_client(const TlsClientOptions& options) {
    auto opened = open_tls_client_context(options);
    EXPECT_TRUE(opened) << opened.error();
    return opened ? std::move(*opened) : nullptr;
  }

  std::unique_ptr<TlsStream> serve(int fd) {
    return std::make_unique<TlsStream>(fd, context, server_side);
  }
  std::unique_ptr<TlsStream> dial(int fd, const std::string& host = "localhost") {
    return std::make_unique<TlsStream>(fd, client_context.get(), client_side, host);
  }

  /// Lets both talk until the client is done or one gives up; what the client says then.
  static IoResult shake_hands(TlsStream& client, TlsStream& server) {
    std::array<char, 64> buffer{};
    IoResult ours;
    for (int round = 0; round < 20; ++round) {
      ours = client.handshake();
      const IoResult theirs = server.read(buffer);
      if (ours.status != IoStatus::kWouldBlock) {
        return ours;
      }
      if (theirs.status == IoStatus::kError) {
        return client.handshake();
      }
    }
    return ours;
  }

  CertificateDirectory directory;
  TlsTicketKeys tickets;
  std::shared_ptr<const TlsContext> context;
  SslContext client_context;
  TlsWorkspace server_side;
  TlsWorkspace client_side;
};

}  // namespace wspush::net
