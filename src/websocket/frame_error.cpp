#include "websocket/frame_error.hpp"

#include <array>
#include <cstddef>

#include "base/check.hpp"

namespace wspush::websocket {
namespace {

struct Row {
  FrameError error;
  CloseCode close_code;
  std::string_view text;
  std::string_view source;
};

using enum FrameError;

constexpr auto k1002 = CloseCode::kProtocolError;

constexpr std::array kRows = {
    Row{kNone, CloseCode::kNormal, "no error", ""},
    Row{kReservedBit, k1002, "reserved bit set", "RFC 6455 5.2"},
    Row{kReservedOpcode, k1002, "reserved opcode", "RFC 6455 5.2"},
    Row{kFragmentedControl, k1002, "fragmented control frame", "RFC 6455 5.5"},
    Row{kControlTooLong, k1002, "control frame longer than 125 bytes", "RFC 6455 5.5"},
    Row{kMissingMask, k1002, "frame not masked", "RFC 6455 5.1"},
    Row{kUnexpectedMask, k1002, "frame masked by a server", "RFC 6455 5.1"},
    Row{kLengthNotMinimal, k1002, "length not in its shortest form", "RFC 6455 5.2"},
    Row{kLengthHighBit, k1002, "length with its highest bit set", "RFC 6455 5.2"},
    Row{kUnexpectedContinuation, k1002, "continuation without a message", "RFC 6455 5.4"},
    Row{kExpectedContinuation, k1002, "new message inside a fragmented one", "RFC 6455 5.4"},
    Row{kCloseTooShort, k1002, "close frame of one byte", "RFC 6455 5.5.1"},
    Row{kCloseCode, k1002, "invalid close code", "RFC 6455 7.4"},
    Row{kCloseReasonNotUtf8, CloseCode::kInvalidPayload, "close reason is not UTF-8",
        "RFC 6455 5.5.1"},
    Row{kTextNotUtf8, CloseCode::kInvalidPayload, "text is not UTF-8", "RFC 6455 8.1"},
    Row{kInvalidDeflate, CloseCode::kInvalidPayload, "compressed data is invalid",
        "RFC 7692 7.2.2"},
    Row{kTooManyFrames, CloseCode::kPolicyViolation, "too many frames in a message", ""},
    Row{kMessageTooBig, CloseCode::kTooBig, "message too big", ""},
    Row{kInflatesTooFar, CloseCode::kTooBig, "compressed message inflates too far", ""},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].error != static_cast<FrameError>(i)) {
      return false;
    }
  }
  return kRows.back().error == kInflatesTooFar;
}
static_assert(is_in_order(), "one row for each enumerator, in their order");

const Row& row_of(FrameError error) {
  return kRows[static_cast<std::size_t>(error)];
}

}  // namespace

CloseCode close_code_for(FrameError error) noexcept {
  WSPUSH_ASSERT(error != kNone);
  return row_of(error).close_code;
}

std::string_view describe(FrameError error) noexcept {
  return row_of(error).text;
}

std::string_view source_of(FrameError error) noexcept {
  return row_of(error).source;
}

}  // namespace wspush::websocket
