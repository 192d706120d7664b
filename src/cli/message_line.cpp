#include "cli/message_line.hpp"

#include <algorithm>

namespace wspush::cli {

void append_message_line(std::string& out, const V1Event& message, ByteView text,
                         LineFormat format) {
  const std::size_t begin = out.size();
  if (format == LineFormat::kJson) {
    out += text;
  } else if (const auto data = message.find("data")) {
    std::string scratch;
    out += data->is_string() ? data->string(scratch) : data->raw;
  }
  const auto line = out.begin() + static_cast<std::string::difference_type>(begin);
  std::replace_if(
      line, out.end(), [](char byte) { return byte == '\n' || byte == '\r'; }, ' ');
  out += '\n';
}

}  // namespace wspush::cli
