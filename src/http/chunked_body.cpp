#include "http/chunked_body.hpp"

#include <algorithm>
#include <limits>

#include "base/percent.hpp"
#include "http/grammar.hpp"

namespace wspush::http {

BodyStep ChunkedBody::next(ByteView input) {
  std::size_t at = 0;
  while (at < input.size() && state_ != State::kEnd && state_ != State::kError) {
    if (state_ == State::kData) {
      const auto bytes =
          static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input.size() - at));
      chunk_left_ -= bytes;
      payload_bytes_ += bytes;
      if (chunk_left_ == 0) {
        state_ = State::kDataCarriageReturn;
      }
      return {BodyStatus::kPiece, at + bytes, input.substr(at, bytes)};
    }
    if (!step_line(input[at])) {
      state_ = State::kError;
    }
    ++at;
  }
  if (state_ == State::kError) {
    return {BodyStatus::kError, at, {}};
  }
  return {state_ == State::kEnd ? BodyStatus::kEnd : BodyStatus::kNeedMore, at, {}};
}

bool ChunkedBody::refuse(HttpFault fault) {
  fault_ = fault;
  return false;
}

bool ChunkedBody::step_line(char byte) {
  switch (state_) {
    case State::kSizeStart:
      line_bytes_ = 1;
      chunk_left_ = 0;
      state_ = State::kSize;
      return step_size_digit(byte);
    case State::kSize:
    case State::kSizeBlank:
    case State::kExtension:
      if (byte != '\r' && ++line_bytes_ > kChunkLineBytesMax) {
        return refuse(HttpFault::kChunkLineTooLong);
      }
      if (state_ == State::kExtension) {
        if (byte == '\r') {
          state_ = State::kSizeLineFeed;
          return true;
        }
        return is_field_visible(byte) || is_blank(byte) || refuse(HttpFault::kBadChunkExtension);
      }
      if (byte == ';') {
        state_ = State::kExtension;
        return true;
      }
      if (is_blank(byte)) {
        state_ = State::kSizeBlank;  // only an extension may follow (RFC 9112 §7.1.1: BWS ";")
        return true;
      }
      if (state_ == State::kSizeBlank) {
        return refuse(HttpFault::kBadChunkSize);
      }
      if (byte == '\r') {
        state_ = State::kSizeLineFeed;
        return true;
      }
      return step_size_digit(byte);
    case State::kSizeLineFeed:
      state_ = chunk_left_ > 0 ? State::kData : State::kTrailers;
      return byte == '\n' || refuse(HttpFault::kBareCarriageReturn);
    case State::kDataCarriageReturn:
      state_ = State::kDataLineFeed;
      return byte == '\r' || refuse(HttpFault::kBadChunkEnd);
    case State::kDataLineFeed:
      state_ = State::kSizeStart;
      return byte == '\n' || refuse(HttpFault::kBadChunkEnd);
    case State::kTrailers:
      return step_trailer(byte);
    case State::kData:
    case State::kEnd:
    case State::kError:
      break;
  }
  return refuse(HttpFault::kBadChunkSize);
}

bool ChunkedBody::step_size_digit(char byte) {
  const int digit = hex_digit_value(byte);
  if (digit < 0) {
    return refuse(HttpFault::kBadChunkSize);
  }
  if (chunk_left_ > (std::numeric_limits<std::uint64_t>::max() >> 4U)) {
    return refuse(HttpFault::kChunkSizeTooLarge);
  }
  chunk_left_ = (chunk_left_ << 4U) | static_cast<std::uint64_t>(digit);
  return true;
}

bool ChunkedBody::step_trailer(char byte) {
  if (++trailer_bytes_ > kTrailerBytesMax) {
    return refuse(HttpFault::kTrailersTooLarge);
  }
  switch (trailers_.step(byte)) {
    case FieldSectionScanner::Event::kSectionEnd:
      state_ = State::kEnd;
      return true;
    case FieldSectionScanner::Event::kFault:
      return refuse(trailers_.fault());
    case FieldSectionScanner::Event::kNone:
    case FieldSectionScanner::Event::kNameBegin:
    case FieldSectionScanner::Event::kNameEnd:
    case FieldSectionScanner::Event::kValueByte:
    case FieldSectionScanner::Event::kLineEnd:
      break;
  }
  return true;
}

}  // namespace wspush::http
