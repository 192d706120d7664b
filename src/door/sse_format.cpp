#include "door/sse_format.hpp"

#include "base/json.hpp"

namespace wspush::door {

bool is_one_line(ByteView text) {
  return text.find('\n') == ByteView::npos && text.find('\r') == ByteView::npos;
}

void append_gap_event(std::string& out, const GapEvent& gap) {
  out.append("event: gap\n");
  if (!gap.id.empty()) {
    out.append("id: ").append(gap.id).push_back('\n');
  }
  out.append("data: {");
  const auto add = [&](ByteView name, ByteView value) {
    if (!value.empty()) {
      out.append(out.ends_with('{') ? "\"" : ",\"").append(name).append("\":");
      append_json_string(out, value);
    }
  };
  add("topic", gap.topic);
  add("after", gap.after);
  add("next", gap.next);
  out.append("}\n\n");
}

void append_data_lines(std::string& out, ByteView text) {
  out.append("data: ");
  std::size_t begin = 0;
  // In one pass: looking for the next CR by itself would scan a text that has none for each line.
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char byte = text[at];
    if (byte != '\n' && byte != '\r') {
      continue;
    }
    out.append(text.substr(begin, at - begin)).append("\ndata: ");
    if (byte == '\r' && at + 1 < text.size() && text[at + 1] == '\n') {
      ++at;
    }
    begin = at + 1;
  }
  out.append(text.substr(begin)).push_back('\n');
}

}  // namespace wspush::door
