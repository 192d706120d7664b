#include <charconv>
#include <optional>
#include <string>

#include "payload.hpp"
#include "publisher.hpp"
#include "wire.hpp"

namespace wspush::load {
namespace {

constexpr std::size_t kBodyBytesMax = std::size_t{16} << 20;

class HttpPublisher final : public PublisherProtocol {
 public:
  explicit HttpPublisher(const Options& options) : options_(options) {}

  Address address() const override { return *options_.api; }
  std::string opening() const override { return {}; }
  bool is_ready() const override { return true; }
  void append(std::string& out, std::uint64_t first, std::size_t count) override;
  bool take(std::string_view input, std::string& reply, std::string& why) override;
  std::uint64_t owed() const override { return requests_ - answers_; }
  std::uint64_t echoes() const override { return 0; }

 private:
  void append_request(std::string& out, std::string_view path, std::string_view type,
                      std::string_view body);

  const Options& options_;
  std::string unread_;
  std::uint64_t requests_ = 0;
  std::uint64_t answers_ = 0;
};

void HttpPublisher::append(std::string& out, std::uint64_t first, std::size_t count) {
  if (count == 1) {
    append_request(out, "/api/topics/" + options_.topic + "/messages", "text/plain",
                   make_payload(first, options_.payload_bytes, options_.payload_text));
    return;
  }
  std::string body = R"({"messages":[)";
  for (std::uint64_t sequence = first; sequence < first + count; ++sequence) {
    body += sequence == first ? "" : ",";
    body += R"({"topic":")" + options_.topic + R"(","text":")" +
            make_payload(sequence, options_.payload_bytes, options_.payload_text) + "\"}";
  }
  body += "]}";
  append_request(out, "/api/messages", "application/json", body);
}

void HttpPublisher::append_request(std::string& out, std::string_view path, std::string_view type,
                                   std::string_view body) {
  out.append("POST ").append(path).append(" HTTP/1.1\r\nHost: ").append(address().to_string());
  if (!options_.api_key.empty()) {
    out.append("\r\nAuthorization: Bearer ").append(options_.api_key);
  }
  out.append("\r\nContent-Type: ").append(type);
  out.append("\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  out.append(body);
  ++requests_;
}

bool HttpPublisher::take(std::string_view input, std::string& /*reply*/, std::string& why) {
  unread_.append(input);
  std::string_view left = unread_;
  for (;;) {
    const std::size_t end = left.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      break;
    }
    const std::string_view head = left.substr(0, end + 2);
    const auto length_text = find_header(head, "content-length");
    std::size_t length = 0;
    if (!length_text ||
        std::from_chars(length_text->data(), length_text->data() + length_text->size(), length)
                .ec != std::errc() ||
        length > kBodyBytesMax) {
      why = "an answer without a usable Content-Length";
      return false;
    }
    if (left.size() < end + 4 + length) {
      break;
    }
    const std::string_view body = left.substr(end + 4, length);
    if (head.substr(0, 10) != "HTTP/1.1 2" || body.find("\"error\"") != std::string_view::npos) {
      why = std::string(head.substr(0, head.find("\r\n"))) + " " + std::string(body.substr(0, 200));
      return false;
    }
    ++answers_;
    left.remove_prefix(end + 4 + length);
  }
  unread_ = std::string(left);
  return true;
}

}  // namespace

std::unique_ptr<PublisherProtocol> make_http_publisher(const Options& options) {
  return std::make_unique<HttpPublisher>(options);
}

}  // namespace wspush::load
