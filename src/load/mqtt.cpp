#include "load/mqtt.hpp"

#include "load/wire.hpp"

namespace wspush::load {
namespace {

constexpr std::size_t kLengthBytesMax = 4;
constexpr char kConnect = 0x10;
constexpr char kPublish = 0x30;
constexpr char kSubscribe = static_cast<char>(0x82);
constexpr std::uint8_t kQosMask = 0x06;

unsigned byte_at(std::string_view text, std::size_t index) {
  return static_cast<unsigned char>(text[index]);
}

void append_length(std::string& out, std::size_t length) {
  do {
    const std::size_t low = length & 0x7f;
    length >>= 7;
    out.push_back(static_cast<char>(length > 0 ? low | 0x80 : low));
  } while (length > 0);
}

void append_string(std::string& out, std::string_view text) {
  out.push_back(static_cast<char>(text.size() >> 8 & 0xff));
  out.push_back(static_cast<char>(text.size() & 0xff));
  out.append(text);
}

std::string packet_of(char first, std::string_view body) {
  std::string packet(1, first);
  append_length(packet, body.size());
  return packet.append(body);
}

}  // namespace

MqttStatus take_mqtt(std::string_view& input, MqttPacket& packet) {
  std::size_t length = 0;
  std::size_t at = 1;
  for (;; ++at) {
    if (at > kLengthBytesMax) {
      return MqttStatus::kRefused;
    }
    if (at >= input.size()) {
      return MqttStatus::kNeedMore;
    }
    length |= std::size_t{byte_at(input, at) & 0x7f} << (7 * (at - 1));
    if ((byte_at(input, at) & 0x80) == 0) {
      break;
    }
  }
  if (length > kFrameBytesMax) {
    return MqttStatus::kRefused;
  }
  const std::size_t header = at + 1;
  if (input.size() - header < length) {
    return MqttStatus::kNeedMore;
  }
  packet.type = static_cast<std::uint8_t>(byte_at(input, 0) >> 4);
  packet.flags = static_cast<std::uint8_t>(byte_at(input, 0) & 0x0f);
  packet.body = input.substr(header, length);
  input.remove_prefix(header + length);
  return MqttStatus::kWhole;
}

std::optional<std::string_view> mqtt_payload(const MqttPacket& packet) {
  if (packet.type != kMqttPublish || (packet.flags & kQosMask) != 0 || packet.body.size() < 2) {
    return std::nullopt;
  }
  const std::size_t topic_bytes = byte_at(packet.body, 0) << 8 | byte_at(packet.body, 1);
  if (packet.body.size() < 2 + topic_bytes) {
    return std::nullopt;
  }
  return packet.body.substr(2 + topic_bytes);
}

bool mqtt_is_accepted(const MqttPacket& packet) {
  if (packet.type == kMqttConnack) {
    return packet.body.size() == 2 && packet.body[1] == 0;
  }
  return packet.type == kMqttSuback && packet.body.size() == 3 && byte_at(packet.body, 2) < 0x80;
}

std::string mqtt_connect(std::string_view client_id) {
  std::string body;
  append_string(body, "MQTT");
  body.append("\x04\x02\x00\x00", 4);  // level 4 is 3.1.1; clean session; no keep alive
  append_string(body, client_id);
  return packet_of(kConnect, body);
}

std::string mqtt_subscribe(std::string_view topic) {
  std::string body("\x00\x01", 2);  // packet identifier
  append_string(body, topic);
  body.push_back('\0');  // QoS 0
  return packet_of(kSubscribe, body);
}

void append_mqtt_publish(std::string& out, std::string_view topic, std::string_view payload) {
  out.push_back(kPublish);
  append_length(out, 2 + topic.size() + payload.size());
  append_string(out, topic);
  out.append(payload);
}

}  // namespace wspush::load
