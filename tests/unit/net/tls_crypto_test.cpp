#include "net/tls_crypto.hpp"

#include <cstring>

#include <gtest/gtest.h>

#include "unit/net/tls_test_peer.hpp"

namespace wspush::net {
namespace {

ByteView view(std::span<const unsigned char> octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

TEST(TlsSuites, AreTheThreeOfTheirNumbers) {
  EXPECT_EQ(find_tls_suite(0x1301), TlsSuite::kAes128GcmSha256);
  EXPECT_EQ(find_tls_suite(0x1302), TlsSuite::kAes256GcmSha384);
  EXPECT_EQ(find_tls_suite(0x1303), TlsSuite::kChaCha20Poly1305Sha256);
  for (const unsigned number : {0U, 0x1300U, 0x1304U, 0x1305U, 0xc02fU, 0xffffU}) {
    EXPECT_FALSE(find_tls_suite(static_cast<std::uint16_t>(number)));
  }
}

/// RFC 8448 §3: a secret of the trace, and the key and IV that it lists for it.
struct Derivation {
  const char* secret;
  const char* key;
  const char* iv;
};

constexpr Derivation kDerivations[] = {
    {"b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
     "dbfaa693d1762c5b666af5d950258d01", "5bd3c71b836e0b76bb73265f"},  // client, handshake
    {"b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
     "3fce516009c21727d0f2e4e86ee403bc", "5d313eb2671276ee13000b30"},  // server, handshake
    {"9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
     "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9"},  // client, application
    {"a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
     "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"},  // server, application
};

TEST(TlsCryptoKeys, AreThoseOfTheTraceInRfc8448) {
  for (const Derivation& wanted : kDerivations) {
    const TlsTestKeys made(TlsSuite::kAes128GcmSha256, from_hex(wanted.secret));
    EXPECT_EQ(view(made.keys().key).substr(0, 16), from_hex(wanted.key));
    EXPECT_EQ(view(made.keys().iv), from_hex(wanted.iv));
  }
}

TEST(TlsCryptoKeys, OfTheNextGenerationAreOthersAndBeginAgain) {
  for (std::size_t i = 0; i < kTlsSuiteCount; ++i) {
    const auto suite = static_cast<TlsSuite>(i);
    TlsTestKeys keys(suite, std::string(secret_bytes(suite), 's'), 7);
    const std::string before(view(keys.keys().key));
    keys.advance();
    EXPECT_NE(view(keys.keys().key), before);
    EXPECT_EQ(keys.keys().sequence, 0U);
    const std::string second(view(keys.keys().key));
    keys.advance();
    EXPECT_NE(view(keys.keys().key), second);
  }
}

// The client's Finished message of RFC 8448 §3, in the record that carries it.
constexpr const char* kFinished =
    "14 00 00 20 a8 ec 43 6d 67 76 34 ae 52 5a c1 fc eb e1 1a 03 9e c1 76 94 fa c6 e9 85 27 b6 42 "
    "f2 ed d5 ce 61";
constexpr const char* kFinishedRecord =
    "17 03 03 00 35 75 ec 4d c2 38 cc e6 0b 29 80 44 a7 1e 21 9c 56 cc 77 b0 51 7f e9 b9 3c 7a 4b "
    "fc 44 d8 7f 38 f8 03 38 ac 98 fc 46 de b3 84 bd 1c ae ac ab 68 67 d7 26 c4 05 46";

TEST(TlsCryptoRecord, IsThatOfTheTraceInRfc8448) {
  TlsTestKeys sealing(TlsSuite::kAes128GcmSha256, from_hex(kDerivations[0].secret));
  EXPECT_EQ(sealing.say(TlsContent::kHandshake, from_hex(kFinished)), from_hex(kFinishedRecord));
  TlsTestKeys opening(TlsSuite::kAes128GcmSha256, from_hex(kDerivations[0].secret));
  std::string record = from_hex(kFinishedRecord);
  EXPECT_EQ(opening.open(record), from_hex(kFinished) + "\x16");
}

class TlsCryptoOfSuite : public ::testing::TestWithParam<TlsSuite> {
 protected:
  std::string secret(char fill) const { return std::string(secret_bytes(GetParam()), fill); }

  void start(TlsTrafficKeys& keys, char fill) {
    std::memset(keys.secret.data(), fill, secret_bytes(GetParam()));
    ASSERT_TRUE(crypto_.derive(GetParam(), keys));
  }

  TlsCrypto crypto_;
};

INSTANTIATE_TEST_SUITE_P(All, TlsCryptoOfSuite,
                         ::testing::Values(TlsSuite::kAes128GcmSha256, TlsSuite::kAes256GcmSha384,
                                           TlsSuite::kChaCha20Poly1305Sha256));

TEST_P(TlsCryptoOfSuite, TakesTurnsBetweenConnectionsWithoutMixingThem) {
  // One context for all of them: each finds its own key, whoever came before.
  TlsTrafficKeys sealing[3];
  TlsTrafficKeys opening[3];
  for (int i = 0; i < 3; ++i) {
    start(sealing[i], static_cast<char>('a' + i));
    start(opening[i], static_cast<char>('a' + i));
  }
  for (const int whose : {0, 0, 1, 2, 2, 1, 0, 2, 1, 1}) {
    std::string text = "of connection " + std::to_string(whose);
    const std::string plain = text;
    std::string tag(TlsCrypto::kTagBytes, '\0');
    ASSERT_TRUE(crypto_.seal(GetParam(), sealing[whose], "head", text, tag.data()));
    EXPECT_NE(text, plain);
    std::string got(plain.size(), '\0');
    ASSERT_TRUE(crypto_.open(GetParam(), opening[whose], "head", text + tag, got.data()));
    EXPECT_EQ(got, plain);
  }
}

TEST_P(TlsCryptoOfSuite, RefusesEveryBitThatIsNotAsItWas) {
  TlsTrafficKeys sealing;
  start(sealing, 's');
  std::string sealed = "four";
  std::string tag(TlsCrypto::kTagBytes, '\0');
  ASSERT_TRUE(crypto_.seal(GetParam(), sealing, "head", sealed, tag.data()));
  sealed += tag;
  TlsTrafficKeys opening;
  start(opening, 's');
  std::string got(4, '\0');
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    std::string bad = sealed;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(crypto_.open(GetParam(), opening, "head", bad, got.data())) << bit;
  }
  EXPECT_FALSE(crypto_.open(GetParam(), opening, "heaD", sealed, got.data()));
  opening.sequence = 1;
  EXPECT_FALSE(crypto_.open(GetParam(), opening, "head", sealed, got.data()));
  opening.sequence = 0;
  EXPECT_TRUE(crypto_.open(GetParam(), opening, "head", sealed, got.data()));
  EXPECT_EQ(got, "four");
  EXPECT_EQ(opening.sequence, 1U);
}

}  // namespace
}  // namespace wspush::net
