#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "http/header_map.hpp"
#include "http/http_fault.hpp"

// A field section, the part that requests, responses and trailers have in common:
//
//   field-section = *( field-name ":" OWS field-value OWS CRLF ) CRLF
//
// Strict where parties that read it differently could be played against each other: no bare CR or
// LF, no space before the colon, no folded lines, no control characters. Source: RFC 9112 §2.2, §5;
// RFC 9110 §5.
namespace wspush::http {

/// The automaton of a field section, one byte a step, so that every split of the input is the same.
/// Cost: O(1) a byte, 2 bytes of state.
class FieldSectionScanner {
 public:
  enum class Event : std::uint8_t {
    kNone,
    kNameBegin,   ///< this byte is the first of a name
    kNameEnd,     ///< this byte is the colon behind it
    kValueByte,   ///< this byte is a visible one of the value
    kLineEnd,     ///< this byte ends a line
    kSectionEnd,  ///< this byte ends the section
    kFault,       ///< see `fault()`; no step may follow
  };

  Event step(char byte) noexcept;
  HttpFault fault() const { return fault_; }

 private:
  enum class State : std::uint8_t {
    kLineStart,
    kName,
    kValueStart,
    kValue,
    kLineCarriageReturn,
    kEndCarriageReturn,
  };

  Event refuse(HttpFault fault) noexcept;
  Event end_line(char byte) noexcept;

  State state_ = State::kLineStart;
  HttpFault fault_ = HttpFault::kBadHeaderName;
};

/// Collects the lines of a head into a HeaderMap.
class FieldSectionParser {
 public:
  enum class Status : std::uint8_t { kNeedMore, kComplete, kFault };

  /// Takes the byte at `position` of the head. `fields_max` bounds the lines.
  Status step(char byte, std::uint32_t position, std::size_t fields_max, HeaderMap& fields);
  HttpFault fault() const { return fault_; }

 private:
  FieldSectionScanner scanner_;
  HttpFault fault_ = HttpFault::kBadHeaderName;
  HeaderMap::Place place_;
};

}  // namespace wspush::http
