#include "http/http_fault.hpp"

#include <array>
#include <cstddef>

namespace wspush::http {
namespace {

using enum HttpFault;

constexpr std::size_t kFaults = static_cast<std::size_t>(kLastHttpFault) + 1;

constexpr std::array<HttpError, kFaults> kTable = {{
    {kBareLineFeed, 400, "bad_request", "a line ends in LF without CR", "RFC 9112 2.2"},
    {kBareCarriageReturn, 400, "bad_request", "a CR without LF", "RFC 9112 2.2"},
    {kTooManyEmptyLines, 400, "bad_request", "too many empty lines before the request",
     "RFC 9112 2.2"},
    {kBadMethod, 400, "bad_request", "the method is not a token", "RFC 9110 9.1"},
    {kMethodTooLong, 501, "not_implemented", "the method is too long", "RFC 9112 3"},
    {kMethodNotImplemented, 501, "not_implemented", "this server is no proxy", "RFC 9110 9.1"},
    {kBadRequestLine, 400, "bad_request", "the request line is malformed", "RFC 9112 3"},
    {kBadTarget, 400, "bad_request", "the request target is malformed", "RFC 9112 3.2"},
    {kBadTargetForm, 400, "bad_request", "the request target is neither a path nor an http URL",
     "RFC 9112 3.2"},
    {kBadEscape, 400, "bad_request", "a percent sign without two hex digits in the target",
     "RFC 3986 2.1"},
    {kTooManySegments, 404, "not_found", "no such path", "RFC 9110 15.5.5"},
    {kTooManyParameters, 400, "bad_request", "too many query parameters", "RFC 9110 15.5.1"},
    {kRequestLineTooLong, 414, "too_large", "the request line is too long", "RFC 9110 15.5.15"},
    {kBadVersion, 400, "bad_request", "the HTTP version is malformed", "RFC 9112 2.3"},
    {kVersionNotSupported, 505, "version_not_supported", "only HTTP/1.0 and HTTP/1.1 are spoken",
     "RFC 9110 15.6.6"},
    {kBadStatusLine, 502, "bad_response", "the status line is malformed", "RFC 9112 4"},
    {kEmptyHeaderName, 400, "bad_request", "a header without a name", "RFC 9112 5"},
    {kBadHeaderName, 400, "bad_request", "a header name is not a token", "RFC 9110 5.1"},
    {kSpaceBeforeColon, 400, "bad_request", "a blank between a header name and its colon",
     "RFC 9112 5.1"},
    {kMissingColon, 400, "bad_request", "a header line without a colon", "RFC 9112 5"},
    {kFoldedLine, 400, "bad_request", "a header line begins with a blank", "RFC 9112 5.2"},
    {kBadHeaderValue, 400, "bad_request", "a control character in a header value", "RFC 9110 5.5"},
    {kHeadTooLarge, 431, "too_large", "the headers are too large", "RFC 6585 5"},
    {kTooManyHeaders, 431, "too_large", "too many headers", "RFC 6585 5"},
    {kMissingHost, 400, "bad_request", "the Host header is missing", "RFC 9112 3.2"},
    {kDuplicateHost, 400, "bad_request", "more than one Host header", "RFC 9112 3.2"},
    {kBadHost, 400, "bad_request", "the Host header is malformed", "RFC 9112 3.2"},
    {kBadContentLength, 400, "bad_request", "Content-Length is not a number", "RFC 9110 8.6"},
    {kDuplicateContentLength, 400, "bad_request", "more than one Content-Length", "RFC 9112 6.3"},
    {kContentLengthTooLarge, 413, "too_large", "the body is too large", "RFC 9112 6.2"},
    {kLengthAndTransferEncoding, 400, "bad_request", "both Content-Length and Transfer-Encoding",
     "RFC 9112 6.1"},
    {kTransferEncodingInOldVersion, 400, "bad_request", "Transfer-Encoding in HTTP/1.0",
     "RFC 9112 6.1"},
    {kBadTransferEncoding, 400, "bad_request", "Transfer-Encoding does not end in one chunked",
     "RFC 9112 6.3"},
    {kUnknownTransferCoding, 501, "not_implemented", "the only transfer coding is chunked",
     "RFC 9112 6.1"},
    {kUnknownExpectation, 417, "expectation_failed", "the only expectation is 100-continue",
     "RFC 9110 10.1.1"},
    {kBadChunkSize, 400, "bad_request", "a chunk size is not a hex number", "RFC 9112 7.1"},
    {kChunkSizeTooLarge, 413, "too_large", "the body is too large", "RFC 9112 7.1"},
    {kChunkLineTooLong, 400, "bad_request", "a chunk size line is too long", "RFC 9112 7.1.1"},
    {kBadChunkExtension, 400, "bad_request", "a control character in a chunk extension",
     "RFC 9112 7.1.1"},
    {kBadChunkEnd, 400, "bad_request", "a chunk does not end in CRLF", "RFC 9112 7.1"},
    {kTrailersTooLarge, 431, "too_large", "the trailers are too large", "RFC 9112 7.1.2"},
}};

constexpr bool is_in_order() {
  for (std::size_t index = 0; index < kTable.size(); ++index) {
    if (static_cast<std::size_t>(kTable[index].fault) != index) {
      return false;
    }
  }
  return true;
}
static_assert(is_in_order(), "one row for each fault, in the order of the enumerators");

}  // namespace

const HttpError& describe(HttpFault fault) noexcept {
  return kTable[static_cast<std::size_t>(fault)];
}

}  // namespace wspush::http
