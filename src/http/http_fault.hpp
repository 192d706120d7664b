#pragma once

#include <cstdint>
#include <string_view>

namespace wspush::http {

/// Everything that can be wrong with an HTTP message from outside; each has a row in the table of
/// http_fault.cpp.
enum class HttpFault : std::uint8_t {
  kBareLineFeed,
  kBareCarriageReturn,
  kTooManyEmptyLines,
  kBadMethod,
  kMethodTooLong,
  kMethodNotImplemented,
  kBadRequestLine,
  kBadTarget,
  kBadTargetForm,
  kBadEscape,
  kTooManySegments,
  kTooManyParameters,
  kRequestLineTooLong,
  kBadVersion,
  kVersionNotSupported,
  kBadStatusLine,
  kEmptyHeaderName,
  kBadHeaderName,
  kSpaceBeforeColon,
  kMissingColon,
  kFoldedLine,
  kBadHeaderValue,
  kHeadTooLarge,
  kTooManyHeaders,
  kMissingHost,
  kDuplicateHost,
  kBadHost,
  kBadContentLength,
  kDuplicateContentLength,
  kContentLengthTooLarge,
  kLengthAndTransferEncoding,
  kTransferEncodingInOldVersion,
  kBadTransferEncoding,
  kUnknownTransferCoding,
  kUnknownExpectation,
  kBadChunkSize,
  kChunkSizeTooLarge,
  kChunkLineTooLong,
  kBadChunkExtension,
  kBadChunkEnd,
  kTrailersTooLarge,
};

inline constexpr HttpFault kLastHttpFault = HttpFault::kTrailersTooLarge;

/// What is told about a fault. All views point to static storage.
struct HttpError {
  HttpFault fault;
  int status;                ///< of the answer; after it the connection closes
  std::string_view code;     ///< the `code` of the error body, as protocol.md names them
  std::string_view message;  ///< one short English phrase
  std::string_view source;   ///< where the rule stands
};

/// The row of `fault`. Thread: any. Cost: O(1), never allocates.
const HttpError& describe(HttpFault fault) noexcept;

}  // namespace wspush::http
