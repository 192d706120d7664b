#include "http/field_section.hpp"

namespace wspush::http {

FieldSectionScanner::Event FieldSectionScanner::refuse(HttpFault fault) noexcept {
  fault_ = fault;
  return Event::kFault;
}

// A byte of a value that is neither visible nor blank: CR, LF, or not allowed at all.
FieldSectionScanner::Event FieldSectionScanner::end_line(char byte) noexcept {
  if (byte == '\r') {
    state_ = State::kLineCarriageReturn;
    return Event::kNone;
  }
  return refuse(byte == '\n' ? HttpFault::kBareLineFeed : HttpFault::kBadHeaderValue);
}

FieldSectionScanner::Event FieldSectionScanner::step(char byte) noexcept {
  switch (state_) {
    case State::kLineStart:
      if (is_token_char(byte)) {
        state_ = State::kName;
        return Event::kNameBegin;
      }
      if (byte == '\r') {
        state_ = State::kEndCarriageReturn;
        return Event::kNone;
      }
      if (is_blank(byte)) {
        return refuse(HttpFault::kFoldedLine);
      }
      if (byte == ':') {
        return refuse(HttpFault::kEmptyHeaderName);
      }
      return refuse(byte == '\n' ? HttpFault::kBareLineFeed : HttpFault::kBadHeaderName);
    case State::kName:
      if (is_token_char(byte)) {
        return Event::kNone;
      }
      if (byte == ':') {
        state_ = State::kValueStart;
        return Event::kNameEnd;
      }
      if (is_blank(byte)) {
        return refuse(HttpFault::kSpaceBeforeColon);
      }
      return refuse(byte == '\r' || byte == '\n' ? HttpFault::kMissingColon
                                                 : HttpFault::kBadHeaderName);
    case State::kValueStart:
    case State::kValue:
      if (is_field_visible(byte)) {
        state_ = State::kValue;
        return Event::kValueByte;
      }
      return is_blank(byte) ? Event::kNone : end_line(byte);
    case State::kLineCarriageReturn:
      if (byte != '\n') {
        return refuse(HttpFault::kBareCarriageReturn);
      }
      state_ = State::kLineStart;
      return Event::kLineEnd;
    case State::kEndCarriageReturn:
      return byte == '\n' ? Event::kSectionEnd : refuse(HttpFault::kBareCarriageReturn);
  }
  return refuse(HttpFault::kBadHeaderName);
}

FieldSectionParser::Status FieldSectionParser::step(char byte, std::uint32_t position,
                                                    std::size_t fields_max, HeaderMap& fields) {
  using Event = FieldSectionScanner::Event;
  switch (scanner_.step(byte)) {
    case Event::kNone:
      return Status::kNeedMore;
    case Event::kNameBegin:
      // Judged before the line is read: what is too many need not be well-formed.
      if (fields.size() >= fields_max) {
        fault_ = HttpFault::kTooManyHeaders;
        return Status::kFault;
      }
      place_.name_begin = position;
      return Status::kNeedMore;
    case Event::kNameEnd:
      place_.name_bytes = position - place_.name_begin;
      place_.value_begin = position + 1;
      place_.value_bytes = 0;
      return Status::kNeedMore;
    case Event::kValueByte:
      if (place_.value_bytes == 0) {
        place_.value_begin = position;
      }
      // Blanks within the value are counted with the visible byte behind them, those at its end
      // never are.
      place_.value_bytes = position + 1 - place_.value_begin;
      return Status::kNeedMore;
    case Event::kLineEnd:
      fields.add(place_);
      return Status::kNeedMore;
    case Event::kSectionEnd:
      return Status::kComplete;
    case Event::kFault:
      break;
  }
  fault_ = scanner_.fault();
  return Status::kFault;
}

std::size_t FieldSectionParser::take_run(std::string_view head, std::size_t position,
                                         std::size_t end) {
  if (scanner_.is_in_name()) {
    while (position < end && is_token_char(head[position])) {
      ++position;
    }
  } else if (scanner_.is_in_value()) {
    std::size_t visible_end = place_.value_begin + place_.value_bytes;
    for (; position < end; ++position) {
      if (is_field_visible(head[position])) {
        visible_end = position + 1;
      } else if (!is_blank(head[position])) {
        break;
      }
    }
    place_.value_bytes = static_cast<std::uint32_t>(visible_end - place_.value_begin);
  }
  return position;
}

std::size_t FieldSectionParser::take_lines(std::string_view head, std::size_t position,
                                           std::size_t end, std::size_t fields_max,
                                           HeaderMap& fields) const {
  if (!scanner_.is_at_line_start()) {
    return position;
  }
  while (fields.size() < fields_max) {
    std::size_t at = position;
    while (at < end && is_token_char(head[at])) {
      ++at;
    }
    if (at == position || at >= end || head[at] != ':') {
      break;
    }
    const std::size_t colon = at++;
    while (at < end && is_blank(head[at])) {
      ++at;
    }
    const std::size_t value_begin = at;
    while (at < end && is_value_char(head[at])) {
      ++at;
    }
    if (at + 1 >= end || head[at] != '\r' || head[at + 1] != '\n') {
      break;
    }
    std::size_t value_end = at;
    while (value_end > value_begin && is_blank(head[value_end - 1])) {
      --value_end;
    }
    const bool is_empty = value_end == value_begin;
    fields.add({.name_begin = static_cast<std::uint32_t>(position),
                .name_bytes = static_cast<std::uint32_t>(colon - position),
                .value_begin = static_cast<std::uint32_t>(is_empty ? colon + 1 : value_begin),
                .value_bytes = static_cast<std::uint32_t>(value_end - value_begin)});
    position = at + 2;
  }
  return position;
}

}  // namespace wspush::http
