#include "load/mqtt.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush::load {
namespace {

TEST(Mqtt, ReadsBackWhatItPublishesAtEveryLengthOfTheLength) {  // MQTT 3.1.1 §2.2.3
  for (const std::size_t bytes : {0U, 1U, 119U, 120U, 127U, 128U, 16374U, 16376U, 2097151U}) {
    const std::string payload(bytes, 'x');
    std::string wire;
    append_mqtt_publish(wire, "bench", payload);
    std::string_view left = wire;
    MqttPacket packet;
    ASSERT_EQ(take_mqtt(left, packet), MqttStatus::kWhole) << bytes;
    EXPECT_EQ(packet.type, kMqttPublish);
    EXPECT_EQ(mqtt_payload(packet), payload);
    EXPECT_TRUE(left.empty());
    left = std::string_view(wire).substr(0, wire.size() - 1);
    EXPECT_EQ(take_mqtt(left, packet), MqttStatus::kNeedMore);
    EXPECT_EQ(left.size(), wire.size() - 1) << "is left as it is";
  }
}

TEST(Mqtt, WaitsForEveryByteOfTheLength) {
  std::string wire;
  append_mqtt_publish(wire, "t", std::string(20000, 'x'));
  MqttPacket packet;
  for (std::size_t cut = 0; cut < 5; ++cut) {
    std::string_view left = std::string_view(wire).substr(0, cut);
    EXPECT_EQ(take_mqtt(left, packet), MqttStatus::kNeedMore) << cut;
  }
}

TEST(Mqtt, RefusesALengthOfFiveBytesOrABodyTooLarge) {
  MqttPacket packet;
  std::string_view malformed = "\x30\xff\xff\xff\xff\x01";
  EXPECT_EQ(take_mqtt(malformed, packet), MqttStatus::kRefused);
  std::string_view large = "\x30\xff\xff\xff\x7f";
  EXPECT_EQ(take_mqtt(large, packet), MqttStatus::kRefused);
}

TEST(Mqtt, ConnectsAsTheStandardShows) {  // §3.1
  EXPECT_EQ(mqtt_connect("zz"), std::string("\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02zz", 16));
  EXPECT_EQ(mqtt_subscribe("t"), std::string("\x82\x06\x00\x01\x00\x01t\x00", 8));
}

TEST(Mqtt, KnowsAYesFromANo) {
  EXPECT_TRUE(mqtt_is_accepted({.type = kMqttConnack, .body = std::string_view("\0\0", 2)}));
  EXPECT_FALSE(mqtt_is_accepted({.type = kMqttConnack, .body = std::string_view("\0\5", 2)}));
  EXPECT_TRUE(mqtt_is_accepted({.type = kMqttSuback, .body = std::string_view("\0\1\0", 3)}));
  EXPECT_FALSE(mqtt_is_accepted({.type = kMqttSuback, .body = std::string_view("\0\1\x80", 3)}));
  EXPECT_FALSE(mqtt_is_accepted({.type = kMqttPingresp}));
}

TEST(Mqtt, HasNoPayloadWhereNoneWasAskedFor) {
  const std::string_view body("\0\1tabc", 6);
  EXPECT_EQ(mqtt_payload({.type = kMqttPublish, .body = body}), "abc");
  EXPECT_EQ(mqtt_payload({.type = kMqttPublish, .flags = 2, .body = body}), std::nullopt);  // QoS 1
  EXPECT_EQ(mqtt_payload({.type = kMqttPublish, .body = std::string_view("\0\7t", 3)}),
            std::nullopt);
  EXPECT_EQ(mqtt_payload({.type = kMqttSuback, .body = body}), std::nullopt);
}

}  // namespace
}  // namespace wspush::load
