#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wspush/base/bytes.hpp"

#include "http/field_section.hpp"
#include "http/http_fault.hpp"
#include "http/request_parser.hpp"

namespace wspush::http {

/// The status line and the headers of one response.
/// Lifetime: all views point into the bytes of the head and die with them.
struct ResponseHead {
  int status = 0;  ///< 100 to 999
  std::string_view reason;
  Version version = Version::kHttp11;
  HeaderMap headers;
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
  bool keep_alive = true;
};

/// Incremental parser of a response head, the client's side of RequestHeadParser: the same way to
/// call it, the same strictness, the same linear cost.
///
///   response = "HTTP/1." ("0" / "1") SP 3DIGIT [ SP reason ] CRLF field-section
///
/// The body is read with BodyReader::for_response; behind a 101 the bytes are those of the new
/// protocol, after any other 1xx comes another head (`reset`). Source: RFC 9112 §4.
class ResponseHeadParser {
 public:
  explicit ResponseHeadParser(const HeadLimits& limits = {}) : limits_(limits) {}

  HeadStatus parse(ByteView input);

  /// After kComplete. Lifetime: its views point into the `input` of that call.
  const ResponseHead& head() const { return head_; }
  std::size_t head_bytes() const { return position_; }
  /// After kError; its status is of no use to a client.
  const HttpError& error() const { return describe(fault_); }
  void reset();
  std::uint64_t bytes_examined() const { return bytes_examined_; }

 private:
  enum class State : std::uint8_t {
    kVersion,
    kStatus,
    kReason,
    kLineFeed,
    kFields,
    kComplete,
    kError,
  };

  HeadStatus fail(HttpFault fault);
  HeadStatus finish(ByteView input);
  bool step(char byte);
  bool step_status_line(char byte);
  bool refuse(HttpFault fault);

  HeadLimits limits_;
  State state_ = State::kVersion;
  HttpFault fault_ = HttpFault::kBadStatusLine;
  std::size_t position_ = 0;
  std::size_t reason_begin_ = 0;
  std::size_t reason_bytes_ = 0;
  std::uint64_t bytes_examined_ = 0;
  FieldSectionParser fields_;
  ResponseHead head_;
};

}  // namespace wspush::http
