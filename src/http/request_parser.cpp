#include "http/request_parser.hpp"

#include <algorithm>
#include <string_view>

#include "base/check.hpp"
#include "http/grammar.hpp"
#include "http/message_framing.hpp"

namespace wspush::http {

HeadStatus RequestHeadParser::parse(ByteView input) {
  if (state_ == State::kComplete) {
    return HeadStatus::kComplete;
  }
  if (state_ == State::kError) {
    return HeadStatus::kError;
  }
  WSPUSH_ASSERT(input.size() >= position_);
  while (position_ < input.size()) {
    take_run(input);
    if (position_ == input.size()) {
      break;
    }
    ++bytes_examined_;
    if (!step(input[position_])) {
      return fail(fault_);
    }
    ++position_;
    if (state_ == State::kComplete) {
      return finish(input);
    }
    // The head cannot end within its bound any more, so nobody has to keep a byte above it.
    if (position_ >= limits_.head_bytes) {
      return fail(state_ == State::kFields ? HttpFault::kHeadTooLarge
                                           : HttpFault::kRequestLineTooLong);
    }
  }
  return HeadStatus::kNeedMore;
}

void RequestHeadParser::take_run(ByteView input) {
  // The last byte within the bound of the head is left to a step, which tells that it is the last.
  const std::size_t end = std::min(input.size(), limits_.head_bytes - 1);
  const std::size_t begin = position_;
  if (state_ == State::kTarget) {
    const std::size_t line_end = std::min(end, line_begin_ + limits_.request_line_bytes);
    while (position_ < line_end && is_target_char(input[position_])) {
      ++position_;
    }
    target_bytes_ += position_ - begin;
  } else if (state_ == State::kVersion && version_bytes_ == 0) {
    take_usual_version(input.substr(0, end));
  }
  if (state_ == State::kFields) {
    position_ = fields_.take_lines(input, position_, end, limits_.headers, head_.headers);
    position_ = fields_.take_run(input, position_, end);
  }
  bytes_examined_ += position_ - begin;
}

void RequestHeadParser::take_usual_version(ByteView input) {
  constexpr std::string_view kUsual = "HTTP/1.1\r\n";
  const std::size_t line_bytes = position_ - line_begin_ + kUsual.size() - 2;
  if (line_bytes <= limits_.request_line_bytes && input.substr(position_).starts_with(kUsual)) {
    head_.version = Version::kHttp11;
    position_ += kUsual.size();
    state_ = State::kFields;
  }
}

void RequestHeadParser::reset() {
  state_ = State::kStart;
  empty_lines_ = 0;
  version_bytes_ = 0;
  position_ = 0;
  line_begin_ = 0;
  method_bytes_ = 0;
  target_bytes_ = 0;
  fields_ = FieldSectionParser();
  HeaderMap headers = std::move(head_.headers);
  headers.clear();
  head_ = RequestHead();
  head_.headers = std::move(headers);
}

HeadStatus RequestHeadParser::fail(HttpFault fault) {
  fault_ = fault;
  state_ = State::kError;
  return HeadStatus::kError;
}

bool RequestHeadParser::refuse(HttpFault fault) {
  fault_ = fault;
  return false;
}

HeadStatus RequestHeadParser::finish(ByteView input) {
  head_.method = input.substr(line_begin_, method_bytes_);
  head_.target = input.substr(line_begin_ + method_bytes_ + 1, target_bytes_);
  head_.headers.set_base(input.data());
  if (const auto fault = judge_request(head_)) {
    return fail(*fault);
  }
  return HeadStatus::kComplete;
}

bool RequestHeadParser::step(char byte) {
  switch (state_) {
    case State::kStart:
      return step_start(byte);
    case State::kStartLineFeed:
      state_ = State::kStart;
      return byte == '\n' || refuse(HttpFault::kBareCarriageReturn);
    case State::kMethod:
      return step_method(byte);
    case State::kTarget:
      return step_target(byte);
    case State::kVersion:
      return step_version(byte);
    case State::kRequestLineEnd:
      state_ = State::kFields;
      return byte == '\n' || refuse(HttpFault::kBareCarriageReturn);
    case State::kFields:
      return step_fields(byte);
    case State::kComplete:
    case State::kError:
      break;
  }
  return refuse(HttpFault::kBadRequestLine);
}

bool RequestHeadParser::step_start(char byte) {
  if (byte == '\r') {
    state_ = State::kStartLineFeed;
    return ++empty_lines_ <= kLeadingEmptyLinesMax || refuse(HttpFault::kTooManyEmptyLines);
  }
  if (byte == '\n') {
    return refuse(HttpFault::kBareLineFeed);
  }
  line_begin_ = position_;
  state_ = State::kMethod;
  // A blank here is the method that is missing.
  return step_method(byte);
}

bool RequestHeadParser::step_method(char byte) {
  if (is_token_char(byte)) {
    return ++method_bytes_ <= kMethodBytesMax || refuse(HttpFault::kMethodTooLong);
  }
  if (byte == ' ' && method_bytes_ > 0) {
    state_ = State::kTarget;
    return true;
  }
  return refuse(byte == '\n' ? HttpFault::kBareLineFeed : HttpFault::kBadMethod);
}

bool RequestHeadParser::request_line_is_full() const {
  return position_ - line_begin_ >= limits_.request_line_bytes;
}

bool RequestHeadParser::step_target(char byte) {
  if (request_line_is_full()) {
    return refuse(HttpFault::kRequestLineTooLong);
  }
  if (is_target_char(byte)) {
    ++target_bytes_;
    return true;
  }
  if (byte == ' ' && target_bytes_ > 0) {
    state_ = State::kVersion;
    return true;
  }
  if (byte == '\n') {
    return refuse(HttpFault::kBareLineFeed);
  }
  return refuse(byte == ' ' || byte == '\r' ? HttpFault::kBadRequestLine : HttpFault::kBadTarget);
}

bool RequestHeadParser::step_version(char byte) {
  constexpr std::string_view kPattern = "HTTP/0.0\r";  // '0' stands for any digit
  if (byte == '\n') {
    return refuse(HttpFault::kBareLineFeed);
  }
  const char wanted = kPattern[version_bytes_];
  if (wanted == '\r') {
    state_ = State::kRequestLineEnd;
    return byte == '\r' || refuse(HttpFault::kBadRequestLine);
  }
  if (request_line_is_full()) {
    return refuse(HttpFault::kRequestLineTooLong);
  }
  if (wanted == '0' ? !is_digit(byte) : byte != wanted) {
    return refuse(HttpFault::kBadVersion);
  }
  constexpr std::size_t kMajor = 5;
  constexpr std::size_t kMinor = 7;
  const bool is_other = (version_bytes_ == kMajor && byte != '1') ||
                        (version_bytes_ == kMinor && byte != '0' && byte != '1');
  if (version_bytes_ == kMinor) {
    head_.version = byte == '0' ? Version::kHttp10 : Version::kHttp11;
  }
  ++version_bytes_;
  return !is_other || refuse(HttpFault::kVersionNotSupported);
}

bool RequestHeadParser::step_fields(char byte) {
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

}  // namespace wspush::http
