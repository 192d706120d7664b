#pragma once

#include <cstdint>
#include <string_view>

#include "wspush/base/bytes.hpp"

#include "http/chunked_body.hpp"
#include "http/request_head.hpp"
#include "http/response_parser.hpp"

namespace wspush::http {

/// Reads the body of a message whatever says where it ends: nothing (no body), Content-Length,
/// chunks, or the end of the connection (responses only). Used like ChunkedBody.
/// Cost: O(1) a piece, O(bytes) where chunked; no allocation. Source: RFC 9112 §6.3.
class BodyReader {
 public:
  /// Of a message without a body: its first step is kEnd.
  BodyReader() = default;

  static BodyReader for_request(const RequestHead& head);

  /// `method` is that of the request: the answer to HEAD has no body.
  static BodyReader for_response(const ResponseHead& head, std::string_view method);

  /// With an empty input it tells kEnd where the body is over, else kNeedMore.
  BodyStep next(ByteView input);

  /// Whether a body is complete if the peer closes now.
  bool may_end_with_connection() const;

  /// Payload handed out so far.
  std::uint64_t payload_bytes() const { return payload_bytes_; }
  /// After kError.
  const HttpError& error() const { return chunks_.error(); }

 private:
  enum class Kind : std::uint8_t { kLength, kChunked, kUntilClose };

  Kind kind_ = Kind::kLength;
  bool has_ended_ = false;
  std::uint64_t left_ = 0;
  std::uint64_t payload_bytes_ = 0;
  ChunkedBody chunks_;
};

}  // namespace wspush::http
