#include "websocket/extension_offer.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace wspush::websocket {
namespace {

constexpr DeflateBounds kAll{.server_context_takeover = true, .client_context_takeover = true};
constexpr DeflateBounds kNoTakeover{};
constexpr ByteView kBothNo =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The answer; "none" where no offer could be taken, "malformed" where the handshake fails.
std::string answer(const std::vector<ByteView>& values,
                   const std::optional<DeflateBounds>& bounds = kAll) {
  const auto result = negotiate_deflate(values, bounds);
  return !result ? "malformed" : !*result ? "none" : (*result)->answer;
}

DeflateAgreement agreement(ByteView value, const DeflateBounds& bounds = kAll) {
  const auto result = negotiate_deflate({&value, 1}, bounds);
  EXPECT_TRUE(result && *result) << value;
  return result && *result ? (*result)->agreement : DeflateAgreement{};
}

TEST(ExtensionOffer, IsAnsweredWithWhatItAsksFor) {  // RFC 7692 §7.1
  const std::pair<ByteView, ByteView> kRows[] = {
      {"permessage-deflate", "permessage-deflate"},
      {"permessage-deflate; server_no_context_takeover",
       "permessage-deflate; server_no_context_takeover"},
      {"permessage-deflate; client_no_context_takeover",
       "permessage-deflate; client_no_context_takeover"},
      {"permessage-deflate; client_max_window_bits",
       "permessage-deflate; client_max_window_bits=15"},
      {"permessage-deflate; client_max_window_bits=9",
       "permessage-deflate; client_max_window_bits=9"},
      {"permessage-deflate; server_max_window_bits=15",
       "permessage-deflate; server_max_window_bits=15"},
      {"permessage-deflate; server_max_window_bits=8",
       "permessage-deflate; server_max_window_bits=8"},
      {"permessage-deflate; client_max_window_bits; server_max_window_bits=10; "
       "client_no_context_takeover; server_no_context_takeover",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
       "server_max_window_bits=10; client_max_window_bits=15"},
  };
  for (const auto& [offer, wanted] : kRows) {
    EXPECT_EQ(answer({offer}), wanted) << offer;
  }
}

TEST(ExtensionOffer, WithoutTakeoverTheAnswerAlwaysSaysSo) {
  EXPECT_EQ(answer({"permessage-deflate"}, kNoTakeover), kBothNo);
  EXPECT_EQ(answer({kBothNo}, kNoTakeover), kBothNo);
  EXPECT_EQ(answer({"permessage-deflate; client_max_window_bits"}, kNoTakeover),
            std::string(kBothNo) + "; client_max_window_bits=15");
  const DeflateAgreement agreed = agreement("permessage-deflate", kNoTakeover);
  EXPECT_FALSE(agreed.server_context_takeover);
  EXPECT_FALSE(agreed.client_context_takeover);
}

TEST(ExtensionOffer, GrantsEveryWindowUpToTheBound) {
  for (int bound = 9; bound <= 15; ++bound) {
    for (int bits = 8; bits <= 15; ++bits) {
      const DeflateBounds bounds{.window_bits = bound};
      const std::string number = std::to_string(bits);
      const std::string granted = std::to_string(std::min(bits, bound));
      const std::string server = "permessage-deflate; server_max_window_bits=" + number;
      EXPECT_EQ(answer({server}, bounds),
                std::string(kBothNo) + "; server_max_window_bits=" + granted);
      EXPECT_EQ(agreement(server, bounds).server_window_bits, std::min(bits, bound));
      EXPECT_EQ(agreement(server, bounds).client_window_bits, 15) << "it did not offer less";
      const std::string client = "permessage-deflate; client_max_window_bits=" + number;
      EXPECT_EQ(answer({client}, bounds),
                std::string(kBothNo) + "; client_max_window_bits=" + granted);
      EXPECT_EQ(agreement(client, bounds).client_window_bits, std::min(bits, bound));
      EXPECT_EQ(agreement(client, bounds).server_window_bits, bound) << "ours alone to keep";
    }
  }
}

TEST(ExtensionOffer, OfWhatCannotBeTakenIsDeclinedAndTheNextIsLookedAt) {
  const ByteView kDeclined[] = {
      "permessage-deflate; server_max_window_bits",
      "permessage-deflate; server_max_window_bits=7",
      "permessage-deflate; server_max_window_bits=16",
      "permessage-deflate; server_max_window_bits=08",
      "permessage-deflate; server_max_window_bits=010",
      "permessage-deflate; server_max_window_bits=8.0",
      "permessage-deflate; server_max_window_bits=+8",
      "permessage-deflate; server_max_window_bits=-8",
      "permessage-deflate; server_max_window_bits=8x",
      "permessage-deflate; server_max_window_bits=0x9",
      "permessage-deflate; server_max_window_bits=1",
      "permessage-deflate; server_max_window_bits=100",
      "permessage-deflate; server_max_window_bits=99999999999999999999",
      "permessage-deflate; server_max_window_bits=\"16\"",
      // Not a token, once it is unquoted (RFC 6455 §9.1).
      "permessage-deflate; server_max_window_bits=\"\"",
      "permessage-deflate; server_max_window_bits=\"15 \"",
      "permessage-deflate; server_max_window_bits=\" 9\"",
      "permessage-deflate; client_max_window_bits=\"1 5\"",
      "permessage-deflate; client_max_window_bits=\"\\\"9\\\"\"",
      "permessage-deflate; client_no_context_takeover=\"\"",
      "permessage-deflate; a=\"b, c; d\"",
      "permessage-deflate; client_max_window_bits=7",
      "permessage-deflate; client_max_window_bits=16",
      "permessage-deflate; client_max_window_bits=09",
      "permessage-deflate; server_no_context_takeover=true",
      "permessage-deflate; server_no_context_takeover=\"1\"",
      "permessage-deflate; client_no_context_takeover=1",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
      "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
      "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
      "permessage-deflate; client_max_window_bits; client_max_window_bits",
      "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
      "permessage-deflate; server_max_window_bits=7; server_max_window_bits=10",
      "permessage-deflate; unknown",
      "permessage-deflate; client_max_window_bits; unknown=1",
      "permessage-deflate; Server_No_Context_Takeover",
      "permessage-bzip2",
      "x-webkit-deflate-frame",
      "permessage-deflat",
      "permessage-deflate2",
  };
  for (const ByteView offer : kDeclined) {
    EXPECT_EQ(answer({offer}), "none") << offer;
    const std::string then_a_good_one =
        std::string(offer) + ", permessage-deflate; server_max_window_bits=11";
    EXPECT_EQ(answer({then_a_good_one}), "permessage-deflate; server_max_window_bits=11") << offer;
    EXPECT_EQ(answer({offer, "permessage-deflate"}), "permessage-deflate") << offer;
  }
}

TEST(ExtensionOffer, TheFirstThatCanBeTakenWinsOverAllLines) {
  EXPECT_EQ(answer({"permessage-deflate; server_max_window_bits=9, permessage-deflate"}),
            "permessage-deflate; server_max_window_bits=9");
  EXPECT_EQ(answer({"foo; a=1; b", "bar, permessage-deflate; server_max_window_bits=12",
                    "permessage-deflate"}),
            "permessage-deflate; server_max_window_bits=12");
  EXPECT_EQ(answer({"foo, bar", "baz"}), "none");
}

TEST(ExtensionOffer, MayUseSpaceQuotesAndEmptyElements) {  // RFC 6455 §9.1: implied LWS
  for (const ByteView offer :
       {ByteView("permessage-deflate;server_max_window_bits=10"),
        ByteView("\tpermessage-deflate ;\tserver_max_window_bits = 10 "),
        ByteView("permessage-deflate; server_max_window_bits=\"10\""),
        ByteView("permessage-deflate; server_max_window_bits=\"1\\0\""),
        ByteView(" , ,permessage-deflate; server_max_window_bits= \"10\" ,")}) {
    EXPECT_EQ(answer({offer}), "permessage-deflate; server_max_window_bits=10") << offer;
  }
  EXPECT_EQ(answer({"", "permessage-deflate"}), "permessage-deflate");
  EXPECT_EQ(answer({"foo; bar=\"a\\\"\", permessage-deflate"}), "permessage-deflate")
      << "what others say is theirs";
}

TEST(ExtensionOffer, FailsTheHandshakeWhereItIsMalformed) {  // RFC 6455 §9.1
  for (const ByteView value : {
           ByteView(""),
           ByteView(" , "),
           ByteView(";"),
           ByteView("="),
           ByteView("permessage-deflate;"),
           ByteView("permessage-deflate; ;client_max_window_bits"),
           ByteView("permessage-deflate; server_max_window_bits="),
           ByteView("permessage-deflate; =10"),
           ByteView("permessage-deflate=10"),
           ByteView("permessage-deflate; server_max_window_bits=10 11"),
           ByteView("permessage-deflate; server_max_window_bits==10"),
           ByteView("permessage-deflate client_max_window_bits"),
           ByteView("permessage-deflate; a=\"b"),
           ByteView("permessage-deflate; a=\"b\\"),
           ByteView("permessage-deflate; a=\"10\"1"),
           ByteView("permessage-deflate; a\"10\""),
           ByteView("\"permessage-deflate\""),
           ByteView("permessage-deflate, foo bar"),
           ByteView("permessage-deflate; \xc3\xa9"),
           ByteView("permessage-deflate\0", 19),
           ByteView("permessage(deflate)"),
       }) {
    EXPECT_EQ(answer({value}), "malformed") << value;
    EXPECT_EQ(answer({value}, std::nullopt), "malformed") << "also without compression: " << value;
  }
  EXPECT_EQ(answer({"permessage-deflate", "permessage-deflate;"}), "malformed")
      << "behind one that could be taken";
}

TEST(ExtensionOffer, IsDeclinedWhereCompressionIsOff) {
  EXPECT_EQ(answer({"permessage-deflate; client_max_window_bits"}, std::nullopt), "none");
}

TEST(ExtensionOffer, OfNoHeaderIsNone) {
  EXPECT_EQ(answer({}), "none");
}

TEST(ExtensionOffer, MayBeLong) {
  // Linear: a header of many commas, spaces, quotes or offers costs no more than its length.
  const std::string many(1 << 20, ' ');
  EXPECT_EQ(answer({many}), "malformed");
  EXPECT_EQ(answer({std::string(1 << 20, ',') + "permessage-deflate"}), "permessage-deflate");
  EXPECT_EQ(answer({"a; b=\"" + std::string(1 << 20, '\\')}), "malformed");
  std::string offers;
  for (int i = 0; i < 20'000; ++i) {
    offers += "permessage-deflate; server_max_window_bits=7, ";
  }
  EXPECT_EQ(answer({offers + "permessage-deflate"}), "permessage-deflate");
}

}  // namespace
}  // namespace wspush::websocket
