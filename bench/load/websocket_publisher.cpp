#include <string>

#include "wspush/base/random.hpp"

#include "payload.hpp"
#include "publisher.hpp"
#include "wire.hpp"

namespace wspush::load {
namespace {

constexpr std::uint64_t kKeySeed = 0x7075626c;  // unlike any subscriber's number

class WebSocketPublisher final : public PublisherProtocol {
 public:
  explicit WebSocketPublisher(const Options& options) : options_(options) {}

  Address address() const override { return options_.server; }
  std::string opening() const override;
  bool is_ready() const override { return is_open_; }
  void append(std::string& out, std::uint64_t first, std::size_t count) override;
  bool take(std::string_view input, std::string& reply, std::string& why) override;
  std::uint64_t owed() const override {
    return options_.door == Door::kFloor ? 0 : published_ - echoes_;
  }
  std::uint64_t echoes() const override { return echoes_; }

 private:
  const Options& options_;
  SplitMix64 masking_keys_{1};
  std::string unread_;
  bool is_open_ = false;
  std::uint64_t published_ = 0;
  std::uint64_t echoes_ = 0;
};

std::string WebSocketPublisher::opening() const {
  const std::string host = options_.server.to_string();
  const std::string path =
      options_.door == Door::kFloor ? std::string("/publish") : "/topics/" + options_.topic;
  const std::string key = key_from(kKeySeed);
  return encode_upgrade_request({.host = host, .path = path, .key = key, .subprotocol = {}});
}

void WebSocketPublisher::append(std::string& out, std::uint64_t first, std::size_t count) {
  for (std::uint64_t sequence = first; sequence < first + count; ++sequence) {
    append_client_frame(out, kOpcodeText,
                        make_payload(sequence, options_.payload_bytes, options_.payload_text),
                        static_cast<std::uint32_t>(masking_keys_.next()));
  }
  published_ += count;
}

bool WebSocketPublisher::take(std::string_view input, std::string& reply, std::string& why) {
  unread_.append(input);
  std::string_view left = unread_;
  if (!is_open_) {
    const std::size_t end = left.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      return true;
    }
    if (left.substr(0, 13) != "HTTP/1.1 101 ") {
      why = "handshake: " + std::string(left.substr(0, left.find("\r\n"))) + " " +
            std::string(left.substr(end + 4, 200));
      return false;
    }
    is_open_ = true;
    left.remove_prefix(end + 4);
  }
  FrameView frame;
  FrameStatus status = FrameStatus::kNeedMore;
  while ((status = parse_frame(left, frame)) == FrameStatus::kWhole) {
    const std::string_view payload = left.substr(frame.header_bytes, frame.payload_bytes);
    if (frame.opcode == kOpcodePing) {
      append_client_frame(reply, kOpcodePong, payload,
                          static_cast<std::uint32_t>(masking_keys_.next()));
    } else if (frame.opcode == kOpcodeClose) {
      const bool has_code = payload.size() >= 2;
      why = "the server closed with " +
            (has_code ? std::to_string(static_cast<unsigned char>(payload[0]) * 256 +
                                       static_cast<unsigned char>(payload[1]))
                      : std::string("no code")) +
            " " + std::string(payload.substr(has_code ? 2 : 0));
      return false;
    } else {
      ++echoes_;
    }
    left.remove_prefix(frame.bytes());
  }
  unread_ = std::string(left);
  why = "a frame that no server may send, or a fragment";
  return status != FrameStatus::kRefused;
}

}  // namespace

std::unique_ptr<PublisherProtocol> make_websocket_publisher(const Options& options) {
  return std::make_unique<WebSocketPublisher>(options);
}

}  // namespace wspush::load
