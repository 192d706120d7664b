#include "websocket/frame_error.hpp"

#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace wspush::websocket {
namespace {

TEST(FrameError, EachHasACodeAPhraseAndASource) {
  std::set<std::string_view> phrases;
  for (int value = 1; value <= static_cast<int>(FrameError::kInflatesTooFar); ++value) {
    const auto error = static_cast<FrameError>(value);
    EXPECT_TRUE(phrases.insert(describe(error)).second) << describe(error);
    EXPECT_LE(describe(error).size(), 123U);
    const bool is_limit_of_ours = error == FrameError::kTooManyFrames ||
                                  error == FrameError::kMessageTooBig ||
                                  error == FrameError::kInflatesTooFar;
    EXPECT_EQ(source_of(error).empty(), is_limit_of_ours);
  }
}

TEST(FrameError, ClosesWithTheCodeThatTheRfcGives) {
  EXPECT_EQ(close_code_for(FrameError::kReservedOpcode), CloseCode::kProtocolError);
  EXPECT_EQ(close_code_for(FrameError::kCloseCode), CloseCode::kProtocolError);
  EXPECT_EQ(close_code_for(FrameError::kTextNotUtf8), CloseCode::kInvalidPayload);
  EXPECT_EQ(close_code_for(FrameError::kCloseReasonNotUtf8), CloseCode::kInvalidPayload);
  EXPECT_EQ(close_code_for(FrameError::kTooManyFrames), CloseCode::kPolicyViolation);
  EXPECT_EQ(close_code_for(FrameError::kMessageTooBig), CloseCode::kTooBig);
  EXPECT_EQ(close_code_for(FrameError::kInvalidDeflate), CloseCode::kInvalidPayload);
  EXPECT_EQ(close_code_for(FrameError::kInflatesTooFar), CloseCode::kTooBig);
}

}  // namespace
}  // namespace wspush::websocket
