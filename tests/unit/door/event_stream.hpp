#pragma once

#include <string>
#include <vector>

#include "wspush/base/bytes.hpp"

namespace wspush::door::test {

/// An event as a browser hands it out. Source: HTML Living Standard, "Interpreting an event
/// stream", word by word and slow.
struct StreamEvent {
  std::string type;
  std::string id;  ///< the last one by then
  std::string data;

  friend bool operator==(const StreamEvent&, const StreamEvent&) = default;
};

/// What a client makes of a whole stream.
struct EventStream {
  std::vector<StreamEvent> events;
  std::string last_id;  ///< what it would come back with
  std::string retry;
  int comments = 0;
  std::string rest;  ///< behind the last whole line
};

inline EventStream read_stream(ByteView text) {
  EventStream stream;
  std::string data;
  std::string type;
  std::string id;
  bool has_data = false;
  while (true) {
    const std::size_t end = text.find_first_of("\r\n");
    if (end == ByteView::npos) {
      stream.rest = text;
      return stream;
    }
    const ByteView line = text.substr(0, end);
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
    if (line.empty()) {
      stream.last_id = id;
      if (has_data) {
        data.pop_back();
        stream.events.push_back({type, id, data});
      }
      data.clear();
      type.clear();
      has_data = false;
      continue;
    }
    if (line.front() == ':') {
      ++stream.comments;
      continue;
    }
    const std::size_t colon = std::min(line.find(':'), line.size());
    const ByteView name = line.substr(0, colon);
    ByteView value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) {
      value.remove_prefix(1);
    }
    if (name == "data") {
      data.append(value).push_back('\n');
      has_data = true;
    } else if (name == "id") {
      id = value;
    } else if (name == "event") {
      type = value;
    } else if (name == "retry") {
      stream.retry += value;
    }
  }
}

inline std::vector<StreamEvent> events_of(ByteView text) {
  return read_stream(text).events;
}

}  // namespace wspush::door::test
