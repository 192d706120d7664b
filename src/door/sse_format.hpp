#pragma once

#include <string>

#include "wspush/base/bytes.hpp"

// The text of a text/event-stream: events of lines `field: value`, an empty line behind each.
//
//   id: 0f3a9c01-42       what the client hands back as Last-Event-ID
//   event: gap            its type; without it `message`
//   data: line 1          a payload, cut at each CR, LF or CRLF; the client puts the lines together
//   data: line 2          with LF
//
// A line that begins with a colon is a comment. Pure.
// Source: HTML Living Standard, "Server-sent events", parsing an event stream.
namespace wspush::door {

/// An empty comment: keeps what is between server and client from taking the silence for an end.
inline constexpr ByteView kSseComment = ":\n\n";

/// True: `text` is one line, so that it can stand behind `data: ` as it is.
bool is_one_line(ByteView text);

/// A gap: what was between the places `after` and `next` is lost. `id` is the place to come back
/// to, `topic` the one that it is about; both, and `next`, may be empty: then they are left out.
struct GapEvent {
  ByteView id;
  ByteView topic;
  ByteView after;
  ByteView next;
};
/// The event, whole, its data an object of JSON.
void append_gap_event(std::string& out, const GapEvent& gap);

/// `data: ` and LF around each line of `text`, at least one. Cost: O(bytes).
void append_data_lines(std::string& out, ByteView text);

}  // namespace wspush::door
