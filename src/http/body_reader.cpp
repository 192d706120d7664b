#include "http/body_reader.hpp"

#include <algorithm>

#include "http/status.hpp"

namespace wspush::http {

BodyReader BodyReader::for_request(const RequestHead& head) {
  BodyReader reader;
  reader.kind_ = head.is_chunked ? Kind::kChunked : Kind::kLength;
  reader.left_ = head.content_length.value_or(0);
  return reader;
}

BodyReader BodyReader::for_response(const ResponseHead& head, std::string_view method) {
  BodyReader reader;
  if (method == "HEAD" || !status_allows_body(head.status)) {
    return reader;
  }
  if (head.is_chunked) {
    reader.kind_ = Kind::kChunked;
  } else if (head.content_length) {
    reader.left_ = *head.content_length;
  } else {
    reader.kind_ = Kind::kUntilClose;
  }
  return reader;
}

BodyStep BodyReader::next(ByteView input) {
  BodyStep step;
  switch (kind_) {
    case Kind::kChunked:
      step = chunks_.next(input);
      break;
    case Kind::kLength:
      step.consumed = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
      left_ -= step.consumed;
      if (step.consumed > 0) {
        step.status = BodyStatus::kPiece;
        step.piece = input.substr(0, step.consumed);
      } else if (left_ == 0) {
        step.status = BodyStatus::kEnd;
      }
      break;
    case Kind::kUntilClose:
      step.consumed = input.size();
      if (!input.empty()) {
        step.status = BodyStatus::kPiece;
        step.piece = input;
      }
      break;
  }
  payload_bytes_ += step.piece.size();
  has_ended_ = step.status == BodyStatus::kEnd;
  return step;
}

bool BodyReader::may_end_with_connection() const {
  switch (kind_) {
    case Kind::kLength:
      return left_ == 0;
    case Kind::kChunked:
      return has_ended_;
    case Kind::kUntilClose:
      break;
  }
  return true;
}

}  // namespace wspush::http
