#pragma once

#include <cstddef>
#include <cstdint>

#include "wspush/base/bytes.hpp"

#include "http/field_section.hpp"
#include "http/http_fault.hpp"

namespace wspush::http {

/// Longest line with a chunk's size: digits and extensions, which we ignore.
inline constexpr std::size_t kChunkLineBytesMax = 256;
/// All trailers of one body, which we check and discard.
inline constexpr std::size_t kTrailerBytesMax = std::size_t{4} * 1024;

enum class BodyStatus : std::uint8_t {
  kNeedMore,  ///< all of the input was consumed
  kPiece,     ///< `piece` is payload
  kEnd,       ///< the body is over; what was not consumed belongs to the next message
  kError,     ///< see `error()`; nothing can be read from this connection any more
};

/// One step through a body. Lifetime: `piece` points into the input of the call.
struct BodyStep {
  BodyStatus status = BodyStatus::kNeedMore;
  std::size_t consumed = 0;  ///< bytes of the input that are done with
  ByteView piece;            ///< not empty with kPiece, empty otherwise
};

/// Incremental decoder of the chunked coding, in place:
///
///   chunked-body = *( 1*HEXDIG [ chunk-ext ] CRLF chunk-data CRLF ) 1*"0" [ chunk-ext ] CRLF
///                  *( field-line CRLF ) CRLF
///
/// Called with what has come and was not consumed yet, again and again until kNeedMore or kEnd:
///
///   for (;;) { step = body.next(input); input.remove_prefix(step.consumed); ... }
///
/// It needs no contiguous lines: nothing is ever left over but what is behind the end. How much
/// payload is too much is for the caller, piece by piece (`payload_bytes`).
/// Cost: O(bytes), no allocation. Thread: the owner's. Source: RFC 9112 §7.1.
class ChunkedBody {
 public:
  BodyStep next(ByteView input);

  /// Payload handed out so far.
  std::uint64_t payload_bytes() const { return payload_bytes_; }
  /// After kError.
  const HttpError& error() const { return describe(fault_); }

 private:
  enum class State : std::uint8_t {
    kSizeStart,
    kSize,
    kSizeBlank,
    kExtension,
    kSizeLineFeed,
    kData,
    kDataCarriageReturn,
    kDataLineFeed,
    kTrailers,
    kEnd,
    kError,
  };

  bool step_line(char byte);
  bool step_size_digit(char byte);
  bool step_trailer(char byte);
  bool refuse(HttpFault fault);

  State state_ = State::kSizeStart;
  HttpFault fault_ = HttpFault::kBadChunkSize;
  std::uint32_t line_bytes_ = 0;
  std::uint32_t trailer_bytes_ = 0;
  std::uint64_t chunk_left_ = 0;
  std::uint64_t payload_bytes_ = 0;
  FieldSectionScanner trailers_;
};

}  // namespace wspush::http
