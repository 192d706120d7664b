#include "websocket/close_code.hpp"

#include <cstdint>
#include <set>

#include <gtest/gtest.h>

namespace wspush::websocket {
namespace {

// RFC 6455 §7.4.1, §7.4.2 and the registry; Autobahn 7.7.x and 7.9.x.
TEST(CloseCode, IsJudgedOverItsWholeRange) {
  const std::set<int> registered = {1000, 1001, 1002, 1003, 1007, 1008,
                                    1009, 1010, 1011, 1012, 1013, 1014};
  for (int code = 0; code <= 0xFFFF; ++code) {
    const bool is_expected = registered.contains(code) || (code >= 3000 && code < 5000);
    EXPECT_EQ(may_be_received(static_cast<std::uint16_t>(code)), is_expected) << code;
  }
}

TEST(CloseCode, EveryCodeThatMayBeSentHasAPhraseAndTheOthersHaveNone) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         4001, 4002, 4003, 4007, 4008, 4009}) {
    const auto phrase = reason_phrase(static_cast<CloseCode>(code));
    EXPECT_FALSE(phrase.empty()) << code;
    EXPECT_LE(phrase.size(), 123U) << code;
  }
  for (const int code : {0, 1004, 1005, 1006, 1015, 2999, 3000, 4000, 4999}) {
    EXPECT_TRUE(reason_phrase(static_cast<CloseCode>(code)).empty()) << code;
  }
}

}  // namespace
}  // namespace wspush::websocket
