#include "load/nats.hpp"

#include <charconv>

#include "load/wire.hpp"

namespace wspush::load {
namespace {

using Kind = NatsOperation::Kind;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kLineBytesMax = 65536;  // INFO may list a whole cluster

}  // namespace

NatsOperation take_nats(std::string_view& input) {
  const std::size_t end = input.find(kLineEnd);
  if (end == std::string_view::npos) {
    return {.kind = input.size() > kLineBytesMax ? Kind::kRefused : Kind::kNeedMore};
  }
  const std::string_view line = input.substr(0, end);
  const std::size_t line_bytes = end + kLineEnd.size();
  NatsOperation operation{.kind = Kind::kOther, .text = line};
  if (line.starts_with("MSG ")) {
    std::size_t bytes = 0;
    const std::size_t blank = line.rfind(' ');
    const char* last = line.data() + line.size();
    const auto read = std::from_chars(line.data() + blank + 1, last, bytes);
    if (read.ec != std::errc() || read.ptr != last || bytes > kFrameBytesMax) {
      return {.kind = Kind::kRefused, .text = line};
    }
    if (input.size() < line_bytes + bytes + kLineEnd.size()) {
      return {.kind = Kind::kNeedMore};
    }
    if (input.substr(line_bytes + bytes, kLineEnd.size()) != kLineEnd) {
      return {.kind = Kind::kRefused, .text = line};
    }
    operation = {.kind = Kind::kMessage, .text = input.substr(line_bytes, bytes)};
    input.remove_prefix(line_bytes + bytes + kLineEnd.size());
    return operation;
  }
  if (line == "PING") {
    operation.kind = Kind::kPing;
  } else if (line == "PONG") {
    operation.kind = Kind::kPong;
  } else if (line.starts_with("-ERR")) {
    operation.kind = Kind::kError;
  } else if (!line.starts_with("INFO") && line != "+OK") {
    operation.kind = Kind::kRefused;
  }
  input.remove_prefix(line_bytes);
  return operation;
}

std::string nats_connect(std::string_view token) {
  std::string text =
      R"(CONNECT {"verbose":false,"pedantic":false,"lang":"C++","version":"1","protocol":1)";
  if (!token.empty()) {
    text.append(R"(,"auth_token":")").append(token).append("\"");
  }
  return text + "}\r\n";
}

std::string nats_subscribe(std::string_view topic) {
  return "SUB " + std::string(topic) + " 1\r\n";
}

void append_nats_publish(std::string& out, std::string_view topic, std::string_view payload) {
  out.append("PUB ").append(topic).append(" ").append(std::to_string(payload.size()));
  out.append(kLineEnd).append(payload).append(kLineEnd);
}

}  // namespace wspush::load
