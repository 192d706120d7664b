#include "net/tls_records.hpp"

#include <limits>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "unit/net/tls_test_peer.hpp"

namespace wspush::net {
namespace {

using Outcome = TlsRecords::Outcome;
using Opened = TlsRecords::Opened;

constexpr std::size_t kContentMax = TlsRecords::kContentBytesMax;

// --- the trace of RFC 8448 §3, behind its handshake

constexpr auto kTraceSuite = TlsSuite::kAes128GcmSha256;
const std::string kClientSecret =
    from_hex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
const std::string kServerSecret =
    from_hex("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
/// Both say the bytes 0 to 49, then close_notify.
const std::string kClientData = from_hex(
    "17 03 03 00 43 a2 3f 70 54 b6 2c 94 d0 af fa fe 82 28 ba 55 cb ef ac ea 42 f9 14 aa 66 bc ab "
    "3f 2b 98 19 a8 a5 b4 6b 39 5b d5 4a 9a 20 44 1e 2b 62 97 4e 1f 5a 62 92 a2 97 70 14 bd 1e 3d "
    "ea e6 3a ee bb 21 69 49 15 e4");
const std::string kServerData = from_hex(
    "17 03 03 00 43 2e 93 7e 11 ef 4a c7 40 e5 38 ad 36 00 5f c4 a4 69 32 fc 32 25 d0 5f 82 aa 1b "
    "36 e3 0e fa f9 7d 90 e6 df fc 60 2d cb 50 1a 59 a8 fc c4 9c 4b f2 e5 f0 a2 1c 00 47 c2 ab f3 "
    "32 54 0d d0 32 e1 67 c2 95 5d");
const std::string kClientClose =
    from_hex("17 03 03 00 13 c9 87 27 60 65 56 66 b7 4d 7f f1 15 3e fd 6d b6 d0 b0 e3");
const std::string kServerClose =
    from_hex("17 03 03 00 13 b5 8f d6 71 66 eb f5 99 d2 47 20 cf be 7e fa 7a 88 64 a9");

std::string trace_data() {
  std::string text;
  for (int i = 0; i < 50; ++i) {
    text.push_back(static_cast<char>(i));
  }
  return text;
}

/// The server of the trace: its session ticket was the first record.
class TraceServer {
 public:
  TraceServer() {
    EXPECT_TRUE(
        records_.start({as_secret(kClientSecret), 0}, {as_secret(kServerSecret), 1}, crypto_));
  }

  /// Feeds `wire` in two pieces, as a stream does: what is not whole comes again with the rest.
  std::string read(const std::string& wire, std::size_t split) {
    std::string said;
    std::string input = wire.substr(0, split);
    for (const std::string& more : {std::string(), wire.substr(split)}) {
      input += more;
      for (Opened opened;
           opened = records_.open(input, room_, crypto_), opened.outcome != Outcome::kNeedMore;) {
        if (opened.outcome == Outcome::kRefused) {
          return said + "|refused";
        }
        said += opened.outcome == Outcome::kContent ? std::string(as_view(opened.content))
                : opened.outcome == Outcome::kEnd   ? "|end"
                                                    : "|?";
        input.erase(0, opened.used);
      }
    }
    EXPECT_EQ(input, "");
    return said;
  }

  TlsRecords records_{kTraceSuite};
  TlsCrypto crypto_;
  std::vector<char> room_ = std::vector<char>(1000);
};

TEST(TlsRecordsTrace, IsReadWhereverItIsCut) {
  const std::string wire = kClientData + kClientClose;
  for (std::size_t split = 0; split <= wire.size(); ++split) {
    EXPECT_EQ(TraceServer().read(wire, split), trace_data() + "|end") << split;
  }
}

TEST(TlsRecordsTrace, IsWrittenByteForByte) {
  TraceServer server;
  std::string out = std::string(TlsRecords::kHeaderBytes, '\0') + trace_data();
  ASSERT_TRUE(server.records_.seal(TlsContent::kApplicationData, 0, out, server.crypto_));
  EXPECT_EQ(out, kServerData);
  ASSERT_TRUE(server.records_.seal_alert(TlsAlert::kCloseNotify, out, server.crypto_));
  EXPECT_EQ(out, kServerData + kServerClose);
}

// --- a peer that knows the keys

class TlsRecordsOfSuite : public ::testing::TestWithParam<TlsSuite> {
 protected:
  TlsRecordsOfSuite() { start(0, 0); }

  void start(std::uint64_t reading, std::uint64_t writing) {
    records_ = std::make_unique<TlsRecords>(GetParam());
    peer_ = std::make_unique<TlsTestKeys>(GetParam(), theirs_, reading);
    ours_seen_ = std::make_unique<TlsTestKeys>(GetParam(), ours_, writing);
    ASSERT_TRUE(
        records_->start({as_secret(theirs_), reading}, {as_secret(ours_), writing}, crypto_));
  }

  /// What becomes of the first record in `wire`; its content is in `content_`.
  Opened open(std::string wire) {
    input_ = std::move(wire);
    const Opened opened = records_->open(input_, room_, crypto_);
    content_ = as_view(opened.content);
    return opened;
  }
  Outcome outcome_of(std::string wire) { return open(std::move(wire)).outcome; }

  void expect_refusal(const std::string& wire, TlsAlert alert) {
    const Opened opened = open(wire);
    EXPECT_EQ(opened.outcome, Outcome::kRefused);
    EXPECT_EQ(opened.alert, alert);
    start(0, 0);
  }
  std::string handshake(const std::string& content) {
    return peer_->say(TlsContent::kHandshake, content);
  }

  std::string seal(const std::string& content) {
    std::string out(TlsRecords::kHeaderBytes, '\0');
    out += content;
    EXPECT_TRUE(records_->seal(TlsContent::kApplicationData, 0, out, crypto_));
    EXPECT_EQ(out.size(), content.size() + TlsRecords::kOverheadBytes);
    return out;
  }

  std::string theirs_ = std::string(secret_bytes(GetParam()), 't');
  std::string ours_ = std::string(secret_bytes(GetParam()), 'o');
  TlsCrypto crypto_;
  std::unique_ptr<TlsRecords> records_;
  std::unique_ptr<TlsTestKeys> peer_;
  std::unique_ptr<TlsTestKeys> ours_seen_;
  std::string input_;
  std::vector<char> room_ = std::vector<char>(20'000);
  std::string content_;
};

INSTANTIATE_TEST_SUITE_P(All, TlsRecordsOfSuite,
                         ::testing::Values(TlsSuite::kAes128GcmSha256, TlsSuite::kAes256GcmSha384,
                                           TlsSuite::kChaCha20Poly1305Sha256));

TEST_P(TlsRecordsOfSuite, CarryEverySizeBothWays) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{17},
                                 std::size_t{1000}, kContentMax - 1, kContentMax}) {
    const std::string text(size, 'x');
    ASSERT_EQ(outcome_of(peer_->data(text)), Outcome::kContent);
    EXPECT_EQ(content_, text);
    std::string wire = seal(text);
    EXPECT_EQ(ours_seen_->open(wire), text + "\x17");
  }
}

TEST_P(TlsRecordsOfSuite, AreOpenedInPlaceWhereTheRoomIsSmaller) {
  for (const std::size_t room : {0U, 1U, 5U}) {
    std::string wire = peer_->data("hello");
    std::vector<char> into(room + 1);
    const Opened opened = records_->open(wire, MutableBytes(into).first(room), crypto_);
    EXPECT_EQ(as_view(opened.content), "hello");
    EXPECT_EQ(opened.content.data(), wire.data() + TlsRecords::kHeaderBytes);
  }
  std::string wire = peer_->data("hello");
  std::vector<char> into(6);  // The type needs room as well.
  EXPECT_EQ(records_->open(wire, into, crypto_).content.data(), into.data());
}

TEST_P(TlsRecordsOfSuite, MayBePaddedToTheirFullSize) {
  ASSERT_EQ(outcome_of(peer_->say(TlsContent::kApplicationData, "x", kContentMax - 1)),
            Outcome::kContent);
  EXPECT_EQ(content_, "x");
  ASSERT_EQ(outcome_of(peer_->say(TlsContent::kApplicationData, octets({'y', 0, 0}), 3)),
            Outcome::kContent);
  EXPECT_EQ(content_, octets({'y', 0, 0})) << "zeros of the content stay";
  expect_refusal(peer_->say(TlsContent::kApplicationData, "x", kContentMax),
                 TlsAlert::kRecordOverflow);
}

TEST_P(TlsRecordsOfSuite, MayNotBeLongerThanARecord) {
  expect_refusal(peer_->data(std::string(kContentMax + 1, 'x')), TlsAlert::kRecordOverflow);
  // The header alone is enough: nobody waits for 64 KiB.
  expect_refusal(octets({23, 3, 3, 0x41, 0x01}), TlsAlert::kRecordOverflow);
  EXPECT_EQ(outcome_of(octets({23, 3, 3, 0x41, 0x00})), Outcome::kNeedMore);
}

TEST_P(TlsRecordsOfSuite, WithoutATypeAreUnexpected) {
  expect_refusal(peer_->record(""), TlsAlert::kUnexpectedMessage);
  expect_refusal(peer_->record(std::string(100, '\0')), TlsAlert::kUnexpectedMessage);
  for (const int type : {1, 19, 20, 24, 25, 255}) {
    expect_refusal(peer_->record("x" + octets({type})), TlsAlert::kUnexpectedMessage);
  }
}

TEST_P(TlsRecordsOfSuite, OfAnOuterTypeOtherThanApplicationDataAreUnexpected) {
  for (int type = 0; type < 256; ++type) {
    if (type != 23) {
      expect_refusal(peer_->record("x\x17", type), TlsAlert::kUnexpectedMessage);
    }
  }
  // The change_cipher_spec that a handshake may hold (RFC 8446 §5), and a plain alert.
  expect_refusal(octets({20, 3, 3, 0, 1, 1}), TlsAlert::kUnexpectedMessage);
  expect_refusal(octets({21, 3, 3, 0, 2, 1, 0}), TlsAlert::kUnexpectedMessage);
}

TEST_P(TlsRecordsOfSuite, HaveAVersionThatSaysNothing) {
  EXPECT_EQ(outcome_of(peer_->record("x\x17", 23, 0x0301)), Outcome::kContent);
}

TEST_P(TlsRecordsOfSuite, ThatWereChangedAreRefused) {
  const std::string good = peer_->data("hello");
  for (std::size_t at = 1; at < good.size(); ++at) {
    if (at == 3 || at == 4) {
      continue;  // The length: other tests.
    }
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x80);
    expect_refusal(bad, TlsAlert::kBadRecordMac);
  }
  std::string shorter = good.substr(0, good.size() - 1);
  shorter[4] = static_cast<char>(shorter[4] - 1);
  expect_refusal(shorter, TlsAlert::kBadRecordMac);
  for (int size = 0; size < 16; ++size) {
    expect_refusal(octets({23, 3, 3, 0, size}) + std::string(16, 'x'), TlsAlert::kBadRecordMac);
  }
}

TEST_P(TlsRecordsOfSuite, ComeInTheirOrderAndOnce) {
  const std::string first = peer_->data("1");
  const std::string second = peer_->data("2");
  ASSERT_EQ(outcome_of(first), Outcome::kContent);
  expect_refusal(first, TlsAlert::kBadRecordMac);
  expect_refusal(second, TlsAlert::kBadRecordMac);
}

TEST_P(TlsRecordsOfSuite, OfTheOtherDirectionAreRefused) {
  expect_refusal(seal("reflected"), TlsAlert::kBadRecordMac);
}

TEST_P(TlsRecordsOfSuite, MayBeEmptyButNotForEver) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < TlsRecords::kEmptyRecordsMax; ++i) {
      ASSERT_EQ(outcome_of(peer_->data("")), Outcome::kNothing);
    }
    ASSERT_EQ(outcome_of(peer_->data("x")), Outcome::kContent);
  }
  for (int i = 0; i < TlsRecords::kEmptyRecordsMax; ++i) {
    ASSERT_EQ(outcome_of(i % 2 == 0 ? peer_->alert(1, 90) : peer_->data("")), Outcome::kNothing);
  }
  expect_refusal(peer_->data(""), TlsAlert::kUnexpectedMessage);
}

TEST_P(TlsRecordsOfSuite, OfAnAlertEndTheConnectionOneWayOrTheOther) {
  EXPECT_EQ(outcome_of(peer_->alert(1, 0)), Outcome::kEnd);
  start(0, 0);
  EXPECT_EQ(outcome_of(peer_->alert(2, 0)), Outcome::kEnd) << "the level says nothing";
  for (int description = 1; description < 256; ++description) {
    if (description != 90) {
      start(0, 0);
      const Opened opened = open(peer_->alert(1, description));
      EXPECT_EQ(opened.outcome, Outcome::kAborted);
      EXPECT_EQ(static_cast<int>(opened.alert), description);
    }
  }
  start(0, 0);
  EXPECT_EQ(outcome_of(peer_->alert(1, 90)), Outcome::kNothing) << "user_canceled";
  expect_refusal(peer_->say(TlsContent::kAlert, ""), TlsAlert::kUnexpectedMessage);
  expect_refusal(peer_->say(TlsContent::kAlert, "\x01"), TlsAlert::kDecodeError);
  expect_refusal(peer_->say(TlsContent::kAlert, octets({1, 0, 1, 0})), TlsAlert::kDecodeError);
}

TEST_P(TlsRecordsOfSuite, OfAKeyUpdateChangeTheReadingKey) {
  for (const int request : {0, 1, 0}) {
    ASSERT_EQ(outcome_of(peer_->key_update(request)), Outcome::kKeyUpdate);
    EXPECT_EQ(records_->owes_key_update(), request == 1);
    ASSERT_EQ(outcome_of(peer_->data("behind it")), Outcome::kContent);
    EXPECT_EQ(content_, "behind it");
    if (request == 1) {
      std::string out = seal("before");
      ASSERT_TRUE(records_->seal_key_update(out, crypto_));
      EXPECT_FALSE(records_->owes_key_update());
      out += seal("after");
      EXPECT_EQ(ours_seen_->open(out), "before\x17");
      EXPECT_EQ(ours_seen_->open(out), octets({24, 0, 0, 1, 0, 22})) << "not asked for in turn";
      ours_seen_->advance();
      EXPECT_EQ(ours_seen_->open(out), "after\x17");
    }
  }
}

TEST_P(TlsRecordsOfSuite, OfTheOldKeyAreRefusedBehindAKeyUpdate) {
  TlsTestKeys old(GetParam(), theirs_, 1);
  ASSERT_EQ(outcome_of(peer_->key_update(0)), Outcome::kKeyUpdate);
  expect_refusal(old.data("x"), TlsAlert::kBadRecordMac);
}

TEST_P(TlsRecordsOfSuite, MayCarryAKeyUpdateInParts) {
  const std::string message = octets({24, 0, 0, 1, 1});
  for (unsigned cuts = 0; cuts < 16; ++cuts) {
    start(0, 0);
    std::string part;
    for (std::size_t i = 0; i < message.size(); ++i) {
      part += message[i];
      if (i + 1 == message.size() || (cuts >> i & 1U) != 0) {
        ASSERT_EQ(outcome_of(handshake(part)),
                  i + 1 == message.size() ? Outcome::kKeyUpdate : Outcome::kNothing);
        part.clear();
      }
    }
    peer_->advance();
    EXPECT_EQ(outcome_of(peer_->data("x")), Outcome::kContent);
    // Nothing may come between the parts.
    start(0, 0);
    ASSERT_EQ(outcome_of(handshake(message.substr(0, 1 + cuts % 4))), Outcome::kNothing);
    expect_refusal(cuts % 2 == 0 ? peer_->data("x") : peer_->alert(1, 0),
                   TlsAlert::kUnexpectedMessage);
  }
}

TEST_P(TlsRecordsOfSuite, OfAnyOtherHandshakeAreRefused) {
  for (int type = 0; type < 256; ++type) {
    if (type != 24) {
      expect_refusal(handshake(octets({type, 0, 0, 1, 0})), TlsAlert::kUnexpectedMessage);
      expect_refusal(handshake(octets({type})), TlsAlert::kUnexpectedMessage);
    }
  }
  expect_refusal(handshake(""), TlsAlert::kUnexpectedMessage);
  expect_refusal(handshake(octets({24, 0, 0, 2, 0, 0})), TlsAlert::kDecodeError);
  expect_refusal(handshake(octets({24, 0, 0, 0})), TlsAlert::kDecodeError);
  expect_refusal(handshake(octets({24, 1})), TlsAlert::kDecodeError);
  expect_refusal(handshake(octets({24, 0, 0, 1, 2})), TlsAlert::kIllegalParameter);
  expect_refusal(handshake(octets({24, 0, 0, 1, 0, 24, 0, 0, 1, 0})), TlsAlert::kUnexpectedMessage);
}

TEST_P(TlsRecordsOfSuite, MayUpdateTheKeyNowAndThenOnly) {
  const TimePoint now(std::chrono::hours(1));
  for (std::uint32_t i = 0; i < TlsRecords::kKeyUpdateLimit.burst; ++i) {
    EXPECT_TRUE(records_->may_update_key(now));
  }
  EXPECT_FALSE(records_->may_update_key(now));
  const TimePoint later = now + std::chrono::seconds(1);
  for (std::uint32_t i = 0; i < TlsRecords::kKeyUpdateLimit.per_second; ++i) {
    EXPECT_TRUE(records_->may_update_key(later));
  }
  EXPECT_FALSE(records_->may_update_key(later));
}

TEST_P(TlsRecordsOfSuite, GetANewKeyOfOursBeforeItIsUsedUp) {
  start(0, TlsRecords::kRecordsPerKeyMax - 1);
  EXPECT_FALSE(records_->owes_key_update());
  std::string out = seal("last");
  ASSERT_TRUE(records_->owes_key_update());
  ASSERT_TRUE(records_->seal_key_update(out, crypto_));
  EXPECT_FALSE(records_->owes_key_update());
  out += seal("first");
  EXPECT_EQ(ours_seen_->open(out), "last\x17");
  EXPECT_EQ(ours_seen_->open(out), octets({24, 0, 0, 1, 0, 22}));
  ours_seen_->advance();
  EXPECT_EQ(ours_seen_->open(out), "first\x17");
}

TEST_P(TlsRecordsOfSuite, NeverWrapTheirNumber) {
  start(std::numeric_limits<std::uint64_t>::max() - 1, 0);
  ASSERT_EQ(outcome_of(peer_->data("the last one")), Outcome::kContent);
  expect_refusal(peer_->data("x"), TlsAlert::kInternalError);
}

TEST(TlsRecordsMemory, IsAllThatAnIdleConnectionNeeds) {
  EXPECT_LE(sizeof(TlsRecords), 256U);
}

}  // namespace
}  // namespace wspush::net
