#pragma once

#include <cstddef>
#include <cstdint>

#include "wspush/base/bytes.hpp"

#include "http/field_section.hpp"
#include "http/http_fault.hpp"
#include "http/request_head.hpp"

namespace wspush::http {

/// Bounds of one head. Above them the answer is 414 or 431.
struct HeadLimits {
  std::size_t request_line_bytes = std::size_t{8} * 1024;  ///< without its CRLF -> 414
  std::size_t head_bytes = std::size_t{16} * 1024;         ///< all of it, last CRLF included -> 431
  std::size_t headers = 100;                               ///< lines -> 431
};

/// Longest method: everything that is in use is shorter. Above -> 501.
inline constexpr std::size_t kMethodBytesMax = 32;
/// Empty lines before a request line that are passed over (RFC 9112 §2.2 wants one at least).
inline constexpr std::size_t kLeadingEmptyLinesMax = 4;

enum class HeadStatus : std::uint8_t { kNeedMore, kComplete, kError };

/// Incremental parser of a request head:
///
///   request = *CRLF method SP request-target SP "HTTP/1." ("0" / "1") CRLF field-section
///
/// Each call gets the head from its first byte on, as far as it has come, in one piece: the same
/// bytes as the time before and more behind them. They may have moved in between (from a receive
/// buffer to a spill buffer). What was taken is never looked at again, and the line that a packet
/// cuts once more at most, so that a head costs its length whatever the packets are.
///
/// Strict: see field_section.hpp and message_framing.hpp; a bad byte is an error as soon as it is
/// seen, not at the end of its line. After kComplete or kError only `reset` may follow.
/// Thread: the owner's. Source: RFC 9112 §2, §3, §5, §6.
class RequestHeadParser {
 public:
  explicit RequestHeadParser(const HeadLimits& limits = {}) : limits_(limits) {}

  /// `input` may go on behind the head with body or the next request; these bytes are not touched.
  /// Cost: O(bytes that are new), and once more the head when it is complete.
  HeadStatus parse(ByteView input);

  /// After kComplete. Lifetime: its views point into the `input` of that call.
  const RequestHead& head() const { return head_; }
  /// After kComplete: what the head took of `input`, leading empty lines included.
  std::size_t head_bytes() const { return position_; }
  /// After kError.
  const HttpError& error() const { return describe(fault_); }

  /// Whether a byte of a request has come (empty lines do not count): a handshake that times out
  /// before it is closed without a word, after it with 408.
  bool has_started() const { return state_ != State::kStart && state_ != State::kStartLineFeed; }

  /// Ready for the next head on the same connection.
  void reset();

  /// Bytes looked at since the parser was made, over all heads; a measure of its work for tests
  /// and metrics: it never exceeds the bytes that were fed.
  std::uint64_t bytes_examined() const { return bytes_examined_; }

 private:
  enum class State : std::uint8_t {
    kStart,
    kStartLineFeed,
    kMethod,
    kTarget,
    kVersion,
    kRequestLineEnd,
    kFields,
    kComplete,
    kError,
  };

  HeadStatus fail(HttpFault fault);
  HeadStatus finish(ByteView input);
  /// What steps would do with bytes that only make the target, a name or a value longer, with a
  /// version that is the usual one, and with lines that are in order.
  void take_run(ByteView input);
  void take_usual_version(ByteView input);
  bool step(char byte);
  bool step_start(char byte);
  bool step_method(char byte);
  bool step_target(char byte);
  bool step_version(char byte);
  bool step_fields(char byte);
  bool refuse(HttpFault fault);
  bool request_line_is_full() const;

  HeadLimits limits_;
  State state_ = State::kStart;
  HttpFault fault_ = HttpFault::kBadRequestLine;
  std::uint8_t empty_lines_ = 0;
  std::uint8_t version_bytes_ = 0;
  std::size_t position_ = 0;  ///< next byte of the head to look at
  std::size_t line_begin_ = 0;
  std::size_t method_bytes_ = 0;
  std::size_t target_bytes_ = 0;
  std::uint64_t bytes_examined_ = 0;
  FieldSectionParser fields_;
  RequestHead head_;
};

}  // namespace wspush::http
