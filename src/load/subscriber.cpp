#include "load/subscriber.hpp"

#include <optional>
#include <unistd.h>

#include "load/handshake.hpp"
#include "load/mqtt.hpp"
#include "load/nats.hpp"
#include "load/payload.hpp"

namespace wspush::load {
namespace {

constexpr unsigned kCloseMessagesLost = 4007;

// The payload of a control frame fits any masking key; zero would be legal too, but no test of the
// server's unmasking.
constexpr std::uint32_t kMaskingKey = 0x9e3779b9;

void count_ping(const SubscriberContext& context) {
  if (context.pings != nullptr) {
    *context.pings += 1;
  }
}

}  // namespace

std::string Subscriber::opening(const SubscriberContext& context) const {
  const Options& options = context.options;
  return encode_handshake(options, subscriber_path(options), subprotocol_of(options.dialect),
                          number_, options.is_deflated);
}

bool Subscriber::take(std::string_view input, const SubscriberContext& context,
                      std::string& reply) {
  if (!unfinished_.empty()) {
    unfinished_.append(input);
    input = unfinished_;
  }
  if (state_ == State::kHandshake && !take_head(input, context, reply)) {
    return false;
  }
  FrameView frame;
  while (state_ != State::kHandshake) {
    const FrameStatus status = parse_frame(input, frame);
    if (status == FrameStatus::kNeedMore) {
      break;
    }
    if (status == FrameStatus::kRefused || frame.is_masked) {
      return refuse(context, "a frame that no server may send, or a fragment");
    }
    std::string_view payload = input.substr(frame.header_bytes, frame.payload_bytes);
    if (frame.is_compressed) {
      const auto message = context.options.is_deflated && frame.opcode <= kOpcodeBinary
                               ? context.inflater.inflate(payload)
                               : std::nullopt;
      if (!message) {
        return refuse(context, "a compressed frame that was not agreed on, or is none");
      }
      payload = *message;
    }
    if (!take_frame(frame.opcode, payload, context, reply)) {
      return false;
    }
    input.remove_prefix(frame.bytes());
  }
  // Assigned only where it differs: nearly always nothing is left before or after.
  if (!input.empty() || !unfinished_.empty()) {
    unfinished_ = std::string(input);
  }
  return true;
}

bool Subscriber::take_head(std::string_view& input, const SubscriberContext& context,
                           std::string& reply) {
  const Options& options = context.options;
  std::string why;
  switch (take_handshake_answer(input, subprotocol_of(options.dialect), number_,
                                options.is_deflated, why)) {
    case HandshakeStatus::kNeedMore:
      return true;
    case HandshakeStatus::kRefused:
      return refuse(context, why);
    case HandshakeStatus::kDone:
      break;
  }
  state_ = State::kSubscribing;
  switch (options.dialect) {
    case Dialect::kRaw:
    case Dialect::kFloor:
    case Dialect::kNchan:
      state_ = State::kLive;  // The path said it all.
      break;
    case Dialect::kWspushV1:
      append_client_frame(reply, kOpcodeText,
                          R"({"op":"subscribe","id":1,"topic":")" + options.topic + "\"}",
                          kMaskingKey);
      break;
    case Dialect::kNats:
      // NATS answers in order: with the pong the subscription holds.
      append_client_frame(
          reply, kOpcodeBinary,
          nats_connect(options.token) + nats_subscribe(options.topic).append(kNatsPing),
          kMaskingKey);
      break;
    case Dialect::kMqtt:
      append_client_frame(
          reply, kOpcodeBinary,
          mqtt_connect("wb" + std::to_string(::getpid()) + "-" + std::to_string(number_)),
          kMaskingKey);
      break;
  }
  return true;
}

bool Subscriber::take_frame(std::uint8_t opcode, std::string_view payload,
                            const SubscriberContext& context, std::string& reply) {
  switch (opcode) {
    case kOpcodeText:
    case kOpcodeBinary:
      switch (context.options.dialect) {
        case Dialect::kRaw:
        case Dialect::kFloor:
        case Dialect::kNchan:
          take_payload(payload, context);
          return true;
        case Dialect::kWspushV1:
          return take_event(payload, context);
        case Dialect::kNats:
        case Dialect::kMqtt:
          return take_stream(payload, context, reply);
      }
      return true;
    case kOpcodePing:
      count_ping(context);
      append_client_frame(reply, kOpcodePong, payload, kMaskingKey);
      return true;
    case kOpcodePong:
      return true;
    case kOpcodeClose:
      context.faults.gaps += close_code_of(payload) == kCloseMessagesLost ? 1U : 0U;
      return refuse(context, "close " + describe_close(payload));
    default:
      return refuse(context, "opcode " + std::to_string(opcode));
  }
}

bool Subscriber::take_stream(std::string_view payload, const SubscriberContext& context,
                             std::string& reply) {
  if (!stream_.empty()) {
    stream_.append(payload);
    payload = stream_;
  }
  const bool is_good = context.options.dialect == Dialect::kNats
                           ? take_nats_some(payload, context, reply)
                           : take_mqtt_some(payload, context, reply);
  if (!payload.empty() || !stream_.empty()) {
    stream_ = std::string(payload);
  }
  return is_good;
}

bool Subscriber::take_nats_some(std::string_view& stream, const SubscriberContext& context,
                                std::string& reply) {
  for (;;) {
    const NatsOperation operation = take_nats(stream);
    switch (operation.kind) {
      case NatsOperation::Kind::kNeedMore:
        return true;
      case NatsOperation::Kind::kMessage:
        take_payload(operation.text, context);
        break;
      case NatsOperation::Kind::kPing:
        count_ping(context);
        append_client_frame(reply, kOpcodeBinary, kNatsPong, kMaskingKey);
        break;
      case NatsOperation::Kind::kPong:
        state_ = State::kLive;
        break;
      case NatsOperation::Kind::kOther:
        break;
      case NatsOperation::Kind::kError:
      case NatsOperation::Kind::kRefused:
        return refuse(context, "NATS: " + std::string(operation.text.substr(0, 200)));
    }
  }
}

bool Subscriber::take_mqtt_some(std::string_view& stream, const SubscriberContext& context,
                                std::string& reply) {
  MqttPacket packet;
  for (;;) {
    const MqttStatus status = take_mqtt(stream, packet);
    if (status == MqttStatus::kNeedMore) {
      return true;
    }
    if (status == MqttStatus::kRefused) {
      return refuse(context, "MQTT: a malformed packet");
    }
    if (const auto payload = mqtt_payload(packet)) {
      take_payload(*payload, context);
    } else if (packet.type == kMqttConnack || packet.type == kMqttSuback) {
      if (!mqtt_is_accepted(packet)) {
        return refuse(context, packet.type == kMqttConnack ? "MQTT: the connection is refused"
                                                           : "MQTT: the subscription is refused");
      }
      if (packet.type == kMqttSuback) {
        state_ = State::kLive;
      } else {
        append_client_frame(reply, kOpcodeBinary, mqtt_subscribe(context.options.topic),
                            kMaskingKey);
      }
    } else if (packet.type != kMqttPingresp) {
      return refuse(context, "MQTT: unexpected packet type " + std::to_string(packet.type));
    }
  }
}

bool Subscriber::take_event(std::string_view object, const SubscriberContext& context) {
  const std::string_view op = find_json_string(object, "op").value_or("");
  if (op == "message") {
    take_id(object, context);
    take_payload(find_json_string(object, "data").value_or(""), context);
    return true;
  }
  if (op == "welcome" || op == "pong") {
    return true;
  }
  if (op == "subscribed" && state_ == State::kSubscribing) {
    const auto last = parse_message_id(find_json_string(object, "last").value_or(""));
    if (!last) {
      return refuse(context, "no `last` in " + std::string(object.substr(0, 200)));
    }
    epoch_ = last->epoch;
    offset_ = last->offset;
    state_ = State::kLive;
    return true;
  }
  if (op == "gap") {
    ++context.faults.gaps;
    context.faults.note("subscriber " + std::to_string(number_) + ": " +
                        std::string(object.substr(0, 200)));
    return true;
  }
  return refuse(context, "unexpected " + std::string(object.substr(0, 200)));
}

void Subscriber::take_id(std::string_view object, const SubscriberContext& context) {
  const auto id = parse_message_id(find_json_string(object, "id").value_or(""));
  if (!id || id->epoch != epoch_ || id->offset != offset_ + 1) {
    ++context.faults.offset_jumps;
    context.faults.note("subscriber " + std::to_string(number_) + ": after " + epoch_ + "-" +
                        std::to_string(offset_) + " came " + std::string(object.substr(0, 200)));
  }
  if (id) {
    epoch_ = id->epoch;
    offset_ = id->offset;
  }
}

void Subscriber::take_payload(std::string_view payload, const SubscriberContext& context) {
  const Options& options = context.options;
  Faults& faults = context.faults;
  const auto sequence = sequence_of(payload);
  const bool is_whole =
      sequence &&
      (options.is_check ? is_intact(payload, *sequence, options.payload_bytes, options.payload_kind)
                        : payload.size() == options.payload_bytes);
  const bool is_ours =
      is_whole &&
      (context.many != nullptr ? context.many->enter(number_, *sequence, faults)
                               : *sequence >= 1 && *sequence <= context.tracker.published());
  if (!is_ours) {
    ++faults.corrupt;
    faults.note("subscriber " + std::to_string(number_) +
                ": not published: " + std::string(payload.substr(0, 100)));
    return;
  }
  if (context.many != nullptr) {
    return;
  }
  const SequenceLedger::Verdict verdict = ledger_.enter(*sequence);
  if (verdict == SequenceLedger::Verdict::kNext) [[likely]] {
    (void)context.tracker.deliver(*sequence);
    return;
  }
  const char* what = "";
  switch (verdict) {
    case SequenceLedger::Verdict::kNext:
    case SequenceLedger::Verdict::kImpossible:
      break;
    case SequenceLedger::Verdict::kAhead:
      what = "came early, after a hole";  // `missing` or `out_of_order` counts what is in the hole
      (void)context.tracker.deliver(*sequence);
      break;
    case SequenceLedger::Verdict::kLate:
      what = "came late";
      ++faults.out_of_order;
      (void)context.tracker.deliver(*sequence);
      break;
    case SequenceLedger::Verdict::kDuplicate:
      what = "came twice";
      ++faults.duplicates;
      break;
  }
  faults.note("subscriber " + std::to_string(number_) + ": message " + std::to_string(*sequence) +
              " " + what);
}

bool Subscriber::refuse(const SubscriberContext& context, const std::string& why) {
  state_ = State::kRefused;
  context.faults.note("subscriber " + std::to_string(number_) + ": " + why);
  return false;
}

}  // namespace wspush::load
