#include "net/tls_stream.hpp"

#include <cerrno>

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "contract/byte_stream_contract.hpp"
#include "unit/net/raw_tls_client.hpp"
#include "unit/net/tls_pair.hpp"

namespace wspush::net {
namespace {

StreamEnds tls_ends(bool begins_at_server, int version) {
  const auto pair = std::make_shared<TlsPair>();
  SSL_CTX_set_max_proto_version(pair->client_context.get(), version);
  SocketPair sockets = unix_pair();
  auto server = pair->serve(sockets.ours.get());
  auto client = pair->dial(sockets.theirs.get());
  EXPECT_EQ(TlsPair::shake_hands(*client, *server).status, IoStatus::kOk);
  std::array<char, 64> buffer{};
  EXPECT_EQ(server->read(buffer).status, IoStatus::kWouldBlock);
  EXPECT_EQ(client->read(buffer).status, IoStatus::kWouldBlock);
  StreamEnds ends;
  ends.shared = pair;
  ends.fds[0] = std::move(begins_at_server ? sockets.ours : sockets.theirs);
  ends.fds[1] = std::move(begins_at_server ? sockets.theirs : sockets.ours);
  ends.ours = begins_at_server ? std::move(server) : std::move(client);
  ends.theirs = begins_at_server ? std::move(client) : std::move(server);
  return ends;
}

const auto kTlsStreams =
    ::testing::Values(StreamKind{.name = "Server",
                                 .make = [] { return tls_ends(true, TLS1_3_VERSION); },
                                 .unsent_bytes_max = TlsStream::kAheadBytesMax},
                      StreamKind{.name = "Client",
                                 .make = [] { return tls_ends(false, TLS1_3_VERSION); },
                                 .unsent_bytes_max = TlsStream::kAheadBytesMax},
                      StreamKind{.name = "ServerTls12",
                                 .make = [] { return tls_ends(true, TLS1_2_VERSION); },
                                 .unsent_bytes_max = TlsStream::kAheadBytesMax});
const auto kNameOfStream = [](const auto& kind) { return kind.param.name; };

INSTANTIATE_TEST_SUITE_P(Tls, ByteStreamContract, kTlsStreams, kNameOfStream);
INSTANTIATE_TEST_SUITE_P(Tls, ByteStreamEndContract, kTlsStreams, kNameOfStream);

/// A server's end, and the raw socket that talks to it.
class TlsServerEnd : public ::testing::Test {
 protected:
  void say(ByteView bytes) {
    ASSERT_EQ(::send(sockets_.theirs.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  IoResult read() { return server_->read(buffer_); }
  std::uint64_t count_of(TlsResult result) { return pair_.server_side.count_of(result); }

  void connect() {
    client_ = pair_.dial(sockets_.theirs.get());
    ASSERT_EQ(TlsPair::shake_hands(*client_, *server_).status, IoStatus::kOk);
    ASSERT_EQ(read().status, IoStatus::kWouldBlock);
  }

  TlsPair pair_;
  SocketPair sockets_ = unix_pair();
  std::unique_ptr<TlsStream> server_ = pair_.serve(sockets_.ours.get());
  std::unique_ptr<TlsStream> client_;
  std::array<char, 64 * 1024> buffer_{};
};

TEST_F(TlsServerEnd, PlainHttpIsCountedAndGetsNoAnswer) {
  say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const IoResult result = read();
  EXPECT_EQ(result.status, IoStatus::kError);
  EXPECT_EQ(result.error, EPROTO);
  EXPECT_EQ(count_of(TlsResult::kNotTls), 1U);
  EXPECT_EQ(pair_.server_side.last_failure(), "the peer does not speak TLS");
  server_.reset();
  EXPECT_EQ(count_of(TlsResult::kFailed), 0U) << "one ending, one count";
  EXPECT_EQ(drain(sockets_.theirs.get()), "");
}

TEST_F(TlsServerEnd, GarbageInARecordIsAnsweredWithAnAlert) {
  say(std::string("\x16\x03\x01\x00\x05junk!", 10));
  EXPECT_EQ(read().status, IoStatus::kError);
  EXPECT_EQ(count_of(TlsResult::kFailed), 1U);
  const std::string answer = drain(sockets_.theirs.get());
  ASSERT_EQ(answer.size(), 7U);
  EXPECT_EQ(answer[0], SSL3_RT_ALERT);
}

TEST_F(TlsServerEnd, AProbeThatOnlyConnectsIsNoHandshake) {
  sockets_.theirs.reset();
  EXPECT_EQ(read().status, IoStatus::kError);
  server_.reset();
  EXPECT_EQ(count_of(TlsResult::kFailed), 0U);
}

TEST_F(TlsServerEnd, AHandshakeThatIsNeverFinishedIsCounted) {
  say(std::string("\x16\x03\x01", 3));
  EXPECT_EQ(read().status, IoStatus::kWouldBlock);
  EXPECT_EQ(read().status, IoStatus::kWouldBlock);
  server_.reset();
  EXPECT_EQ(count_of(TlsResult::kFailed), 1U);
}

TEST_F(TlsServerEnd, AHandshakeGoesOnWhereverTheClientsBytesAreCut) {
  const SocketPair far = unix_pair();  // the client's bytes, before they are handed on one by one
  auto client = pair_.dial(far.ours.get());
  IoResult done;
  for (int round = 0; round < 10 && (done = client->handshake()).status != IoStatus::kOk; ++round) {
    for (const char byte : drain(far.theirs.get())) {
      say({&byte, 1});
      ASSERT_EQ(read().status, IoStatus::kWouldBlock);
    }
    const std::string answer = drain(sockets_.theirs.get());
    ASSERT_EQ(::send(far.theirs.get(), answer.data(), answer.size(), 0),
              static_cast<ssize_t>(answer.size()));
  }
  EXPECT_EQ(done.status, IoStatus::kOk);
  for (const char byte : drain(far.theirs.get())) {
    say({&byte, 1});
    ASSERT_EQ(read().status, IoStatus::kWouldBlock);
  }
  EXPECT_EQ(count_of(TlsResult::kFull), 1U);
}

TEST_F(TlsServerEnd, OnlySoManyHandshakeStepsAreDoneAsAreAllowed) {
  client_ = pair_.dial(sockets_.theirs.get());
  EXPECT_EQ(client_->handshake().status, IoStatus::kWouldBlock);
  pair_.server_side.allow_handshake_steps(0);
  EXPECT_EQ(read().status, IoStatus::kWouldBlock);
  EXPECT_TRUE(is_readable_now(sockets_.ours.get())) << "it must be told of again";
  pair_.server_side.allow_handshake_steps(1);
  EXPECT_EQ(read().status, IoStatus::kWouldBlock);
  EXPECT_EQ(client_->handshake().status, IoStatus::kOk);
  EXPECT_EQ(read().status, IoStatus::kWouldBlock);
  EXPECT_EQ(count_of(TlsResult::kFull), 0U);
  pair_.server_side.allow_handshake_steps(1);
  EXPECT_EQ(read().status, IoStatus::kWouldBlock);
  EXPECT_EQ(count_of(TlsResult::kFull), 1U);
  // Behind its handshake nothing holds a connection up.
  pair_.server_side.allow_handshake_steps(0);
  const iovec piece{buffer_.data(), 5};
  EXPECT_EQ(client_->write({&piece, 1}).bytes, 5U);
  EXPECT_EQ(read().bytes, 5U);
}

TEST_F(TlsServerEnd, AWriteBeforeTheHandshakeOrAfterTheEndIsAnError) {
  const iovec piece{buffer_.data(), 5};
  EXPECT_EQ(server_->write({&piece, 1}).error, ENOTCONN);
  server_ = pair_.serve(sockets_.ours.get());
  connect();
  server_->end_output();
  EXPECT_EQ(server_->write({&piece, 1}).error, ENOTCONN);
}

TEST_F(TlsServerEnd, AnEndWithinTheHandshakeSaysNothing) {
  EXPECT_EQ(server_->end_output().status, IoStatus::kOk);
  EXPECT_EQ(drain(sockets_.theirs.get()), "");
}

TEST_F(TlsServerEnd, SmallPiecesLeaveInFullRecords) {
  connect();
  drain(sockets_.theirs.get());
  const std::string frame(100, 'f');
  const std::vector<iovec> frames(500, {const_cast<char*>(frame.data()), frame.size()});
  ASSERT_EQ(server_->write(frames).bytes, 50'000U);
  const std::string wire = drain(sockets_.theirs.get());
  std::vector<std::size_t> records;
  for (std::size_t at = 0; at < wire.size();) {
    const auto high = static_cast<unsigned char>(wire[at + 3]);
    const auto low = static_cast<unsigned char>(wire[at + 4]);
    records.push_back(high * 256U + low);
    at += 5 + records.back();
  }
  // 17 bytes: the inner type and the tag (RFC 8446 §5.2).
  EXPECT_EQ(records, (std::vector<std::size_t>{16401, 16401, 16401, 865}));
}

// With TLS 1.2: OpenSSL is asked why it gave nothing.
/// A client whose first request came with its last word of the handshake.
class TlsServersTicket : public ::testing::Test {
 protected:
  TlsServersTicket() {
    SSL_do_handshake(client_.ssl());
    EXPECT_EQ(client_.hear().status, IoStatus::kWouldBlock);
    EXPECT_EQ(SSL_do_handshake(client_.ssl()), 1);
    client_.say("a request");
    EXPECT_EQ(client_.hear().status, IoStatus::kOk);
    EXPECT_EQ(client_.heard, "a request");
  }

  /// Whether the ticket has come, told by the first record that the client reads.
  bool has_ticket() { return SSL_SESSION_is_resumable(SSL_get0_session(client_.ssl())) == 1; }

  TlsPair pair_;
  RawTlsClient client_{pair_, pair_.client_context.get()};
};

TEST_F(TlsServersTicket, GoesWithTheFirstAnswer) {
  EXPECT_FALSE(is_readable_now(client_.their_fd()));
  EXPECT_TRUE(client_.server().has_unsent());
  EXPECT_TRUE(client_.server().sends_unsent_along());
  EXPECT_EQ(client_.answer("an answer"), 9U);
  EXPECT_FALSE(client_.server().has_unsent());
  EXPECT_FALSE(client_.server().sends_unsent_along());
  EXPECT_EQ(client_.get(), "an answer");
  EXPECT_TRUE(has_ticket());
  client_.expect_echo();
}

TEST_F(TlsServersTicket, GoesByItselfWhereThereIsNoAnswer) {
  EXPECT_EQ(client_.server().flush().status, IoStatus::kOk);
  EXPECT_FALSE(client_.server().has_unsent());
  EXPECT_FALSE(client_.server().sends_unsent_along());
  EXPECT_EQ(client_.get(), "");
  EXPECT_TRUE(has_ticket());
  client_.expect_echo();
}

TEST_F(TlsServersTicket, IsNotLostInAWriteOfNothing) {
  EXPECT_EQ(client_.server().write({}).status, IoStatus::kOk);
  EXPECT_FALSE(client_.server().has_unsent());
  client_.expect_echo();
  EXPECT_TRUE(has_ticket());
}

TEST_F(TlsServersTicket, GoesBeforeTheGoodbye) {
  EXPECT_EQ(client_.server().end_output().status, IoStatus::kOk);
  EXPECT_FALSE(client_.server().has_unsent());
  EXPECT_EQ(client_.get(), "");
  EXPECT_TRUE(has_ticket());
  EXPECT_EQ(SSL_get_shutdown(client_.ssl()), SSL_RECEIVED_SHUTDOWN);
}

TEST_F(TlsServersTicket, GoesBeforeAnAlert) {
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'f');
  ASSERT_EQ(::send(client_.their_fd(), forged.data(), forged.size(), MSG_NOSIGNAL), 37);
  EXPECT_EQ(client_.hear().status, IoStatus::kError);
  ERR_clear_error();
  EXPECT_EQ(client_.get(), "");
  // Without the ticket before it, it could not be decrypted.
  EXPECT_STREQ(ERR_reason_error_string(ERR_peek_error()), "sslv3 alert bad record mac");
  ERR_clear_error();
}

TEST_F(TlsServerEnd, AnOldErrorInTheQueueIsNotTakenForANewOne) {
  SSL_CTX_set_max_proto_version(pair_.client_context.get(), TLS1_2_VERSION);
  connect();
  const iovec piece{buffer_.data(), 5};
  ASSERT_EQ(client_->write({&piece, 1}).bytes, 5U);
  const std::string record = drain(sockets_.ours.get());
  say(ByteView(record).substr(0, 10));
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  EXPECT_EQ(read().status, IoStatus::kWouldBlock);
  say(ByteView(record).substr(10));
  EXPECT_EQ(read().bytes, 5U);
}

TEST_F(TlsServerEnd, ARecordThatWasTamperedWithEndsTheStream) {
  connect();
  const SocketPair far = unix_pair();
  drain(sockets_.theirs.get());
  const iovec piece{buffer_.data(), 5};
  ASSERT_EQ(server_->write({&piece, 1}).bytes, 5U);
  std::string record = drain(sockets_.theirs.get());
  record.back() = static_cast<char>(record.back() ^ 1);
  ASSERT_EQ(::send(sockets_.ours.get(), record.data(), record.size(), 0),
            static_cast<ssize_t>(record.size()));
  EXPECT_EQ(client_->read(buffer_).error, EPROTO);
  EXPECT_EQ(client_->write({&piece, 1}).error, EPROTO);
}

/// A server's end that has handed over to its records, and OpenSSL as its client.
class TlsRecordsEnd : public ::testing::Test {
 protected:
  void SetUp() override {
    client_.connect();
    ASSERT_TRUE(client_.server().has_records());
  }

  /// The client's next record, which the server has not seen.
  std::string take_record(const std::string& text) {
    client_.say(text);
    return drain(client_.our_fd());
  }
  void feed(ByteView bytes) {
    ASSERT_EQ(::send(client_.their_fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  /// Why OpenSSL gave up, which is what the alert that it got says.
  std::string alert() {
    ERR_clear_error();
    EXPECT_EQ(client_.get(), "");
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    return reason == nullptr ? "none" : reason;
  }

  TlsPair pair_;
  RawTlsClient client_{pair_, pair_.client_context.get()};
};

TEST_F(TlsRecordsEnd, AKeyUpdateIsAnsweredAtOnce) {
  ASSERT_EQ(SSL_key_update(client_.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  ASSERT_EQ(SSL_do_handshake(client_.ssl()), 1);
  EXPECT_EQ(client_.hear().status, IoStatus::kWouldBlock);
  EXPECT_TRUE(is_readable_now(client_.their_fd()));
  client_.expect_echo();
}

TEST_F(TlsRecordsEnd, APeerThatAsksForKeysAndNeverReadsIsAnsweredOnce) {
  const std::string text(4 << 20, 'x');
  const std::size_t taken = client_.answer(text);
  ASSERT_TRUE(client_.server().has_unsent());
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(SSL_key_update(client_.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(client_.ssl()), 1);
    ASSERT_EQ(client_.hear().status, IoStatus::kWouldBlock);
  }
  std::size_t got = 0;
  while (client_.server().has_unsent()) {
    got += client_.get().size();
    ASSERT_NE(client_.server().flush().status, IoStatus::kError);
  }
  while (const std::size_t more = client_.get().size()) {
    got += more;
  }
  EXPECT_EQ(got, taken);
  const std::string next = "next";
  ASSERT_EQ(client_.answer(next), next.size());
  const std::string wire = drain(client_.their_fd());
  EXPECT_EQ(wire.size(), TlsRecords::kOverheadBytes + 5 + TlsRecords::kOverheadBytes + next.size());
}

TEST_F(TlsRecordsEnd, AStormOfKeyUpdatesEndsTheStream) {
  IoResult result;
  std::size_t updates = 0;
  for (; updates < 10'000 && result.status != IoStatus::kError; ++updates) {
    ASSERT_EQ(SSL_key_update(client_.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(client_.ssl()), 1);
    result = client_.hear();
  }
  EXPECT_EQ(result.error, EPROTO);
  // Some time passes meanwhile, which allows a few more.
  EXPECT_GT(updates, TlsRecords::kKeyUpdateLimit.burst);
  EXPECT_EQ(alert(), "sslv3 alert unexpected message");
}

TEST_F(TlsRecordsEnd, ARecordThatWasTamperedWithIsAnsweredWithAnAlert) {
  std::string record = take_record("hello");
  record.back() = static_cast<char>(record.back() ^ 1);
  feed(record);
  EXPECT_EQ(client_.hear().error, EPROTO);
  EXPECT_EQ(client_.hear().error, EPROTO);
  EXPECT_EQ(client_.answer("x"), 0U);
  EXPECT_EQ(alert(), "sslv3 alert bad record mac");
}

TEST_F(TlsRecordsEnd, AChangeCipherSpecBehindTheHandshakeIsAnsweredWithAnAlert) {
  feed(std::string("\x14\x03\x03\x00\x01\x01", 6));
  EXPECT_EQ(client_.hear().error, EPROTO);
  EXPECT_EQ(alert(), "sslv3 alert unexpected message");
}

TEST_F(TlsRecordsEnd, ARecordThatIsTooLongIsAnsweredWithAnAlert) {
  feed(std::string("\x17\x03\x03\xff\xff", 5));
  EXPECT_EQ(client_.hear().error, EPROTO);
  EXPECT_EQ(alert(), "tlsv1 alert record overflow");
}

TEST_F(TlsRecordsEnd, AnAlertOfThePeerEndsTheStreamWithoutAnAnswer) {
  // What OpenSSL says to a record that it cannot read.
  const std::string junk = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'j');
  ASSERT_EQ(::send(client_.our_fd(), junk.data(), junk.size(), 0),
            static_cast<ssize_t>(junk.size()));
  EXPECT_EQ(client_.get(), "");
  EXPECT_EQ(client_.hear().error, EPROTO);
  EXPECT_EQ(drain(client_.their_fd()), "");
}

TEST_F(TlsRecordsEnd, NothingIsSaidBehindOurCloseNotify) {
  ASSERT_EQ(client_.server().end_output().status, IoStatus::kOk);
  drain(client_.their_fd());
  ASSERT_EQ(SSL_key_update(client_.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  client_.say("I go on");
  ASSERT_EQ(client_.hear().status, IoStatus::kOk);
  EXPECT_EQ(client_.heard, "I go on");
  std::string record = take_record("bad");
  record.back() = static_cast<char>(record.back() ^ 1);
  feed(record);
  EXPECT_EQ(client_.hear().error, EPROTO);
  EXPECT_EQ(drain(client_.their_fd()), "");
}

TEST_F(TlsRecordsEnd, RecordsAreReadWhereverTheyAreCut) {
  std::string wire = take_record("first");
  wire += take_record("second");
  for (const char byte : ByteView(wire).substr(0, wire.size() - 1)) {
    feed({&byte, 1});
    const IoResult result = client_.hear();
    EXPECT_FALSE(client_.server().has_unread());
    if (result.status == IoStatus::kOk) {
      EXPECT_EQ(client_.heard, "first");
      continue;
    }
    ASSERT_EQ(result.status, IoStatus::kWouldBlock);
  }
  feed(ByteView(wire).substr(wire.size() - 1));
  ASSERT_EQ(client_.hear().status, IoStatus::kOk);
  EXPECT_EQ(client_.heard, "second");
}

TEST_F(TlsRecordsEnd, OneReadTakesManyRecords) {
  for (int i = 0; i < 100; ++i) {
    client_.say("x");
  }
  ASSERT_EQ(client_.hear().status, IoStatus::kOk);
  EXPECT_EQ(client_.heard, std::string(100, 'x'));
}

TEST_F(TlsRecordsEnd, AHalfRecordAndThenAnEndIsAnError) {
  feed(take_record("cut off").substr(0, 10));
  ASSERT_EQ(client_.hear().status, IoStatus::kWouldBlock);
  ::shutdown(client_.their_fd(), SHUT_WR);
  EXPECT_EQ(client_.hear().error, ECONNRESET);
}

class TlsClientEnd : public TlsServerEnd {};

TEST_F(TlsClientEnd, VerifiesTheNameAndTheIssuer) {
  EXPECT_EQ(TlsPair::shake_hands(*pair_.dial(sockets_.theirs.get()), *server_).status,
            IoStatus::kOk);
  const auto result_for = [&](const std::string& host, const TlsClientOptions& options) {
    pair_.client_context = TlsPair::open_client(options);
    const SocketPair sockets = unix_pair();
    const auto server = pair_.serve(sockets.ours.get());
    const auto client = pair_.dial(sockets.theirs.get(), host);
    return TlsPair::shake_hands(*client, *server);
  };
  const std::string ca = pair_.directory.path("server.pem");
  EXPECT_EQ(result_for("127.0.0.1", {.ca_file = ca}).status, IoStatus::kOk);
  EXPECT_EQ(result_for("other.example", {.ca_file = ca}).error, EKEYREJECTED);
  EXPECT_EQ(pair_.client_side.last_failure(), "hostname mismatch");
  EXPECT_EQ(result_for("127.0.0.2", {.ca_file = ca}).error, EKEYREJECTED);
  EXPECT_EQ(pair_.client_side.last_failure(), "IP address mismatch");
  EXPECT_EQ(result_for("localhost", {}).error, EKEYREJECTED);
  EXPECT_EQ(pair_.client_side.last_failure(), "self-signed certificate");
  EXPECT_EQ(result_for("other.example", {.verifies = false}).status, IoStatus::kOk);
}

TEST_F(TlsClientEnd, AServerWithoutTlsIsNamedSo) {
  client_ = pair_.dial(sockets_.theirs.get());
  EXPECT_EQ(client_->handshake().status, IoStatus::kWouldBlock);
  ASSERT_GT(::send(sockets_.ours.get(), "HTTP/1.1 400 Bad", 16, 0), 0);
  EXPECT_EQ(client_->handshake().error, EPROTO);
  EXPECT_EQ(pair_.client_side.last_failure(), "the peer does not speak TLS");
}

}  // namespace
}  // namespace wspush::net
