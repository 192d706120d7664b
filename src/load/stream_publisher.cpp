#include <deque>
#include <string>
#include <unistd.h>

#include "load/handshake.hpp"
#include "load/mqtt.hpp"
#include "load/nats.hpp"
#include "load/payload.hpp"
#include "load/publisher.hpp"
#include "load/wire.hpp"

namespace wspush::load {
namespace {

constexpr std::uint64_t kKeySeed = 0x7075626c00000000;
constexpr std::uint32_t kMaskingKey = 0x9e3779b9;

class StreamPublisher final : public PublisherProtocol {
 public:
  StreamPublisher(const Options& options, std::size_t number)
      : options_(options), is_nats_(options.dialect == Dialect::kNats), number_(number) {}

  const Target& target() const override { return options_.server; }
  std::string opening() const override {
    return encode_handshake(options_, publisher_path(options_), subprotocol_of(options_.dialect),
                            kKeySeed + number_, false);
  }
  bool is_ready() const override { return is_ready_; }
  void append(std::string& out, std::uint64_t first, std::size_t count) override;
  bool take(std::string_view input, std::string& reply, std::string& why) override;
  std::uint64_t owed() const override { return published_ - answered_; }

 private:
  bool take_frames(std::string_view& left, std::string& reply, std::string& why);
  bool take_nats_some(std::string_view& stream, std::string& reply, std::string& why);
  bool take_mqtt_some(std::string_view& stream, std::string& why);
  void on_pong();

  const Options& options_;
  bool is_nats_;
  std::size_t number_;
  bool is_open_ = false;
  bool is_ready_ = false;
  std::string unread_;
  std::string stream_;
  std::string payload_;  // scratch, as the next
  std::string batch_;
  std::uint64_t published_ = 0;
  std::uint64_t answered_ = 0;
  std::deque<std::uint64_t> pings_;  // what had been published before each that is not answered
};

void StreamPublisher::append(std::string& out, std::uint64_t first, std::size_t count) {
  batch_.clear();
  for (std::uint64_t sequence = first; sequence < first + count; ++sequence) {
    payload_.clear();
    append_payload(payload_, sequence, options_.payload_bytes, options_.payload_kind);
    if (is_nats_) {
      append_nats_publish(batch_, options_.topic, payload_);
    } else {
      append_mqtt_publish(batch_, options_.topic, payload_);
    }
  }
  batch_.append(is_nats_ ? kNatsPing : kMqttPingreq);
  append_client_frame(out, kOpcodeBinary, batch_, kMaskingKey);
  published_ += count;
  pings_.push_back(published_);
}

void StreamPublisher::on_pong() {
  if (!pings_.empty()) {
    answered_ = pings_.front();
    pings_.pop_front();
  } else {
    is_ready_ = true;
  }
}

bool StreamPublisher::take(std::string_view input, std::string& reply, std::string& why) {
  unread_.append(input);
  std::string_view left = unread_;
  if (!is_open_) {
    switch (take_handshake_answer(left, subprotocol_of(options_.dialect), kKeySeed + number_, false,
                                  why)) {
      case HandshakeStatus::kNeedMore:
        return true;
      case HandshakeStatus::kRefused:
        return false;
      case HandshakeStatus::kDone:
        break;
    }
    is_open_ = true;
    append_client_frame(
        reply, kOpcodeBinary,
        is_nats_ ? nats_connect(options_.token).append(kNatsPing)
                 : mqtt_connect("wbp" + std::to_string(::getpid()) + "-" + std::to_string(number_)),
        kMaskingKey);
  }
  const bool is_good = take_frames(left, reply, why);
  unread_ = std::string(left);
  return is_good;
}

bool StreamPublisher::take_frames(std::string_view& left, std::string& reply, std::string& why) {
  FrameView frame;
  FrameStatus status = FrameStatus::kNeedMore;
  while ((status = parse_frame(left, frame)) == FrameStatus::kWhole) {
    const std::string_view payload = left.substr(frame.header_bytes, frame.payload_bytes);
    if (frame.opcode == kOpcodePing) {
      append_client_frame(reply, kOpcodePong, payload, kMaskingKey);
    } else if (frame.opcode == kOpcodeClose) {
      why = "the server closed with " + describe_close(payload);
      return false;
    } else if (frame.opcode != kOpcodePong) {
      stream_.append(payload);
      std::string_view stream = stream_;
      const bool is_good =
          is_nats_ ? take_nats_some(stream, reply, why) : take_mqtt_some(stream, why);
      if (!is_good) {
        return false;
      }
      stream_ = std::string(stream);
    }
    left.remove_prefix(frame.bytes());
  }
  why = "a frame that no server may send, or a fragment";
  return status != FrameStatus::kRefused;
}

bool StreamPublisher::take_nats_some(std::string_view& stream, std::string& reply,
                                     std::string& why) {
  for (;;) {
    const NatsOperation operation = take_nats(stream);
    switch (operation.kind) {
      case NatsOperation::Kind::kNeedMore:
        return true;
      case NatsOperation::Kind::kPing:
        append_client_frame(reply, kOpcodeBinary, kNatsPong, kMaskingKey);
        break;
      case NatsOperation::Kind::kPong:
        on_pong();
        break;
      case NatsOperation::Kind::kMessage:
      case NatsOperation::Kind::kOther:
        break;
      case NatsOperation::Kind::kError:
      case NatsOperation::Kind::kRefused:
        why = "NATS: " + std::string(operation.text.substr(0, 200));
        return false;
    }
  }
}

bool StreamPublisher::take_mqtt_some(std::string_view& stream, std::string& why) {
  MqttPacket packet;
  MqttStatus status = MqttStatus::kNeedMore;
  while ((status = take_mqtt(stream, packet)) == MqttStatus::kWhole) {
    if (packet.type == kMqttPingresp) {
      on_pong();
    } else if (packet.type == kMqttConnack && mqtt_is_accepted(packet)) {
      is_ready_ = true;
    } else {
      why = "MQTT: refused, or an unexpected packet of type " + std::to_string(packet.type);
      return false;
    }
  }
  why = "MQTT: a malformed packet";
  return status != MqttStatus::kRefused;
}

}  // namespace

std::unique_ptr<PublisherProtocol> make_stream_publisher(const Options& options,
                                                         std::size_t number) {
  return std::make_unique<StreamPublisher>(options, number);
}

}  // namespace wspush::load
