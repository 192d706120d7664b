#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wspush::load {

/// What the load programs must know of MQTT 3.1.1. Over WebSocket its packets are a stream in the
/// payloads of binary messages, whose borders mean nothing to it (§6). A packet (§2):
///
///   type(4) flags(4) | remaining length: 1 to 4 bytes of 7 bits, low ones first | that many bytes
struct MqttPacket {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::string_view body;  ///< behind the remaining length
};

inline constexpr std::uint8_t kMqttConnack = 2;
inline constexpr std::uint8_t kMqttPublish = 3;
inline constexpr std::uint8_t kMqttSuback = 9;
inline constexpr std::uint8_t kMqttPingresp = 13;

enum class MqttStatus : std::uint8_t { kWhole, kNeedMore, kRefused };

/// Takes the packet that `input` begins with off it. kRefused: its length is malformed, or above
/// what anybody here sends.
MqttStatus take_mqtt(std::string_view& input, MqttPacket& packet);

/// The payload of a PUBLISH of QoS 0 (§3.3); nullopt where it is none.
std::optional<std::string_view> mqtt_payload(const MqttPacket& packet);

/// True if a CONNACK or SUBACK says yes (§3.2.2.3, §3.9.3).
bool mqtt_is_accepted(const MqttPacket& packet);

/// A clean session without keep alive.
std::string mqtt_connect(std::string_view client_id);
std::string mqtt_subscribe(std::string_view topic);
void append_mqtt_publish(std::string& out, std::string_view topic, std::string_view payload);

inline constexpr std::string_view kMqttPingreq{"\xC0\x00", 2};

}  // namespace wspush::load
