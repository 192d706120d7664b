#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

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

  /// Where the next byte stands: first in its line, inside of a name, or behind the first visible
  /// byte of a value.
  bool is_at_line_start() const { return state_ == State::kLineStart; }
  bool is_in_name() const { return state_ == State::kName; }
  bool is_in_value() const { return state_ == State::kValue; }

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

  /// Takes the bytes of `head` from `position` on, up to `end`, that only make a name or a value
  /// longer: what as many steps would do, in a loop that looks at nothing else. Returns the place
  /// of the first byte that a step has to judge.
  std::size_t take_run(std::string_view head, std::size_t position, std::size_t end);

  /// Takes the lines of `head` that are in order and end before `end`, from `position` on: what as
  /// many steps would do. Nothing where `position` is inside of a line. Returns the place of the
  /// first byte that a step has to judge: the last line, one that is not whole yet, or one at
  /// fault.
  std::size_t take_lines(std::string_view head, std::size_t position, std::size_t end,
                         std::size_t fields_max, HeaderMap& fields) const;
  HttpFault fault() const { return fault_; }

 private:
  FieldSectionScanner scanner_;
  HttpFault fault_ = HttpFault::kBadHeaderName;
  HeaderMap::Place place_;
};

}  // namespace wspush::http
