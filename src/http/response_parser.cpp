#include "http/response_parser.hpp"

#include <utility>

#include "base/check.hpp"
#include "http/grammar.hpp"
#include "http/message_framing.hpp"

namespace wspush::http {
namespace {

constexpr std::string_view kVersionPrefix = "HTTP/1.";
constexpr std::size_t kMinorPosition = kVersionPrefix.size();
constexpr std::size_t kStatusPosition = kMinorPosition + 2;
constexpr std::size_t kStatusEnd = kStatusPosition + 3;

}  // namespace

HeadStatus ResponseHeadParser::parse(ByteView input) {
  if (state_ == State::kComplete) {
    return HeadStatus::kComplete;
  }
  if (state_ == State::kError) {
    return HeadStatus::kError;
  }
  WSPUSH_ASSERT(input.size() >= position_);
  while (position_ < input.size()) {
    ++bytes_examined_;
    if (!step(input[position_])) {
      return fail(fault_);
    }
    ++position_;
    if (state_ == State::kComplete) {
      return finish(input);
    }
    if (position_ >= limits_.head_bytes) {
      return fail(HttpFault::kHeadTooLarge);
    }
  }
  return HeadStatus::kNeedMore;
}

void ResponseHeadParser::reset() {
  state_ = State::kVersion;
  position_ = 0;
  reason_begin_ = 0;
  reason_bytes_ = 0;
  fields_ = FieldSectionParser();
  head_ = ResponseHead();
}

HeadStatus ResponseHeadParser::fail(HttpFault fault) {
  fault_ = fault;
  state_ = State::kError;
  return HeadStatus::kError;
}

bool ResponseHeadParser::refuse(HttpFault fault) {
  fault_ = fault;
  return false;
}

HeadStatus ResponseHeadParser::finish(ByteView input) {
  head_.reason = input.substr(reason_begin_, reason_bytes_);
  head_.headers.set_base(input.data());
  const auto framing = judge_framing(head_.headers, head_.version);
  if (!framing) {
    return fail(framing.error());
  }
  head_.content_length = framing->content_length;
  head_.is_chunked = framing->is_chunked;
  head_.keep_alive = judge_keep_alive(head_.headers, head_.version);
  return HeadStatus::kComplete;
}

bool ResponseHeadParser::step(char byte) {
  if (state_ != State::kFields) {
    return step_status_line(byte);
  }
  switch (
      fields_.step(byte, static_cast<std::uint32_t>(position_), limits_.headers, head_.headers)) {
    case FieldSectionParser::Status::kNeedMore:
      return true;
    case FieldSectionParser::Status::kComplete:
      state_ = State::kComplete;
      return true;
    case FieldSectionParser::Status::kFault:
      break;
  }
  return refuse(fields_.fault());
}

bool ResponseHeadParser::step_status_line(char byte) {
  switch (state_) {
    case State::kVersion:
      if (position_ < kMinorPosition) {
        return byte == kVersionPrefix[position_] || refuse(HttpFault::kBadStatusLine);
      }
      if (position_ == kMinorPosition) {
        head_.version = byte == '0' ? Version::kHttp10 : Version::kHttp11;
        return byte == '0' || byte == '1' || refuse(HttpFault::kBadStatusLine);
      }
      state_ = State::kStatus;
      return byte == ' ' || refuse(HttpFault::kBadStatusLine);
    case State::kStatus:
      if (position_ < kStatusEnd) {
        head_.status = head_.status * 10 + (byte - '0');
        const bool is_first = position_ == kStatusPosition;
        return (is_digit(byte) && !(is_first && byte == '0')) || refuse(HttpFault::kBadStatusLine);
      }
      reason_begin_ = position_ + 1;
      state_ = byte == '\r' ? State::kLineFeed : State::kReason;
      return byte == '\r' || byte == ' ' || refuse(HttpFault::kBadStatusLine);
    case State::kReason:
      if (byte == '\r') {
        reason_bytes_ = position_ - reason_begin_;
        state_ = State::kLineFeed;
        return true;
      }
      return is_field_visible(byte) || is_blank(byte) || refuse(HttpFault::kBadStatusLine);
    case State::kLineFeed:
      state_ = State::kFields;
      return byte == '\n' || refuse(HttpFault::kBareCarriageReturn);
    case State::kFields:
    case State::kComplete:
    case State::kError:
      break;
  }
  return refuse(HttpFault::kBadStatusLine);
}

}  // namespace wspush::http
