#include "cli/ndjson_lines.hpp"

#include "base/json.hpp"

namespace wspush::cli {

NdjsonLines::NdjsonLines(const std::optional<std::string>& topic, const std::string& message_key) {
  if (!topic) {
    return;
  }
  before_ = R"({"topic":)";
  append_json_string(before_, *topic);
  if (!message_key.empty()) {
    before_ += R"(,"key":)";
    append_json_string(before_, message_key);
  }
  before_ += R"(,"data":)";
}

bool NdjsonLines::feed(ByteView bytes, Output& output) {
  while (true) {
    const std::size_t end = bytes.find('\n');
    const ByteView piece = bytes.substr(0, end);
    if (piece.size() > kLineBytesMax - partial_.size()) {
      output.notes.push_back("line " + std::to_string(line_count_ + 1) +
                             " of standard input is longer than 64 MiB");
      return false;
    }
    if (end == ByteView::npos) {
      partial_ += piece;
      return true;
    }
    if (partial_.empty()) {
      take_line(piece, output);
    } else {
      partial_ += piece;
      take_line(partial_, output);
      partial_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
}

void NdjsonLines::finish(Output& output) {
  if (!partial_.empty()) {
    take_line(partial_, output);
    partial_.clear();
  }
}

void NdjsonLines::take_line(ByteView line, Output& output) {
  ++line_count_;
  const bool is_blank = line.find_first_not_of(" \t\r") == ByteView::npos;
  if (before_.empty()) {
    output.lines += line;
  } else if (!is_blank) {
    // Checked here, not only by the server: within our object `1,"topic":"x"` would be JSON.
    if (const auto checked = check_json(line); !checked) {
      ++failed_;
      output.notes.push_back("line " + std::to_string(line_count_) +
                             " is not JSON: " + checked.error().text + ", byte " +
                             std::to_string(checked.error().offset + 1));
    } else {
      output.lines.append(before_).append(line) += '}';
    }
  }
  output.lines += '\n';
}

}  // namespace wspush::cli
