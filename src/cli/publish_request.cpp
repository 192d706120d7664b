#include "cli/publish_request.hpp"

#include "base/json.hpp"
#include "base/percent.hpp"
#include "base/utf8.hpp"

namespace wspush::cli {
namespace {

std::string encode_head(const Options& options, std::string_view target,
                        std::string_view content_type) {
  std::string out = "POST " + options.api.path;
  out.append(target).append(" HTTP/1.1\r\nHost: ").append(options.api.authority);
  out.append("\r\nUser-Agent: wspush\r\nConnection: close\r\nContent-Type: ").append(content_type);
  if (!options.api_key.empty()) {
    out.append("\r\nAuthorization: Bearer ").append(options.api_key);
  }
  return out += "\r\n";
}

}  // namespace

std::string_view content_type_of(ByteView payload, PayloadType type) {
  if (type == PayloadType::kGuess) {
    type = check_json(payload)      ? PayloadType::kJson
           : is_valid_utf8(payload) ? PayloadType::kText
                                    : PayloadType::kBinary;
  }
  switch (type) {
    case PayloadType::kJson:
      return "application/json";
    case PayloadType::kText:
      return "text/plain; charset=utf-8";
    case PayloadType::kBinary:
    case PayloadType::kGuess:
      break;
  }
  return "application/octet-stream";
}

std::string encode_publish_head(const Options& options, std::string_view content_type,
                                std::size_t payload_bytes) {
  const PublishOptions& publish = options.publish;
  std::string out = encode_head(
      options, "/api/topics/" + percent_encode(publish.topic.value_or("")) + "/messages",
      content_type);
  out += "Content-Length: " + std::to_string(payload_bytes) + "\r\n";
  if (!publish.message_key.empty()) {
    out += "Wspush-Key: " + publish.message_key + "\r\n";
  }
  if (!publish.idempotency_key.empty()) {
    out += "Idempotency-Key: " + publish.idempotency_key + "\r\n";
  }
  return out += "\r\n";
}

std::string encode_stream_head(const Options& options) {
  return encode_head(options, "/api/messages", "application/x-ndjson") +
         "Transfer-Encoding: chunked\r\n\r\n";
}

std::string_view remedy_for(int status) {
  switch (status) {
    case 401:
      return "; give an API key of the server by --key";
    case 404:
    case 405:
      return "; is --api the internal listener?";
    default:
      return "";
  }
}

}  // namespace wspush::cli
