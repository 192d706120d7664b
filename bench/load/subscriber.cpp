#include "subscriber.hpp"

#include <optional>

#include "payload.hpp"

namespace wspush::load {
namespace {

constexpr std::size_t kHeadBytesMax = 16384;
constexpr unsigned kCloseMessagesLost = 4007;

// As browsers offer it; and what lets one inflater serve all subscribers.
constexpr std::string_view kOffer = "permessage-deflate; client_max_window_bits";
constexpr std::string_view kNoServerTakeover = "server_no_context_takeover";

// The payload of a control frame fits any masking key; zero would be legal too, but no test of the
// server's unmasking.
constexpr std::uint32_t kMaskingKey = 0x9e3779b9;

}  // namespace

std::string Subscriber::opening(const SubscriberContext& context) const {
  const Options& options = context.options;
  const std::string host = options.server.to_string();
  const bool is_v1 = options.door == Door::kWspushV1;
  const std::string path = is_v1 ? "/ws" : "/topics/" + options.topic;
  const std::string key = key_from(number_);
  return encode_upgrade_request({.host = host,
                                 .path = path,
                                 .key = key,
                                 .subprotocol = is_v1 ? std::string_view("wspush.v1") : "",
                                 .extensions = options.is_deflated ? kOffer : ""});
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
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return input.size() <= kHeadBytesMax || refuse(context, "an endless answer to the handshake");
  }
  const std::string_view head = input.substr(0, end + 2);
  const std::string_view status_line = head.substr(0, head.find("\r\n"));
  if (status_line.substr(0, 13) != "HTTP/1.1 101 ") {
    return refuse(context, "handshake: " + std::string(status_line) + " " +
                               std::string(input.substr(end + 4, 200)));
  }
  if (find_header(head, "sec-websocket-accept") != accept_for(key_from(number_))) {
    return refuse(context, "handshake: wrong Sec-WebSocket-Accept");
  }
  const std::string_view extensions =
      find_header(head, "sec-websocket-extensions").value_or(std::string_view());
  if (context.options.is_deflated ? extensions.find(kNoServerTakeover) == std::string_view::npos
                                  : !extensions.empty()) {
    return refuse(context, "handshake: extensions: " + std::string(extensions));
  }
  input.remove_prefix(end + 4);
  if (context.options.door != Door::kWspushV1) {
    state_ = State::kLive;
    return true;
  }
  state_ = State::kSubscribing;
  append_client_frame(reply, kOpcodeText,
                      R"({"op":"subscribe","id":1,"topic":")" + context.options.topic + "\"}",
                      kMaskingKey);
  return true;
}

bool Subscriber::take_frame(std::uint8_t opcode, std::string_view payload,
                            const SubscriberContext& context, std::string& reply) {
  switch (opcode) {
    case kOpcodeText:
    case kOpcodeBinary:
      if (context.options.door == Door::kWspushV1) {
        return take_event(payload, context);
      }
      take_payload(payload, context);
      return true;
    case kOpcodePing:
      append_client_frame(reply, kOpcodePong, payload, kMaskingKey);
      return true;
    case kOpcodePong:
      return true;
    case kOpcodeClose: {
      std::string why = "close without a code";
      if (payload.size() >= 2) {
        const unsigned code =
            static_cast<unsigned char>(payload[0]) * 256U + static_cast<unsigned char>(payload[1]);
        why = "close " + std::to_string(code) + " " + std::string(payload.substr(2));
        context.faults.gaps += code == kCloseMessagesLost ? 1 : 0;
      }
      return refuse(context, why);
    }
    default:
      return refuse(context, "opcode " + std::to_string(opcode));
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
  const bool is_ours =
      sequence && *sequence >= 1 && *sequence <= context.tracker.published() &&
      (options.is_check ? is_intact(payload, *sequence, options.payload_bytes, options.payload_text)
                        : payload.size() == options.payload_bytes);
  if (!is_ours) {
    ++faults.corrupt;
    faults.note("subscriber " + std::to_string(number_) +
                ": not published: " + std::string(payload.substr(0, 100)));
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
