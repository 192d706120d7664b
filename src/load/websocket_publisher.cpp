#include <deque>
#include <string>

#include "wspush/base/random.hpp"

#include "load/handshake.hpp"
#include "load/payload.hpp"
#include "load/publish_ledger.hpp"
#include "load/publisher.hpp"
#include "load/wire.hpp"

namespace wspush::load {
namespace {

constexpr std::uint64_t kKeySeed = 0x7075626c00000000;  // unlike any subscriber's number

class WebSocketPublisher final : public PublisherProtocol {
 public:
  WebSocketPublisher(const Options& options, std::size_t number)
      : options_(options),
        number_(number),
        says_commands_(options.dialect == Dialect::kWspushV1 &&
                       options.scenario == Scenario::kPublish),
        asks_for_answers_(options.publish_by != PublishBy::kUnanswered) {}

  const Target& target() const override { return options_.server; }
  std::string opening() const override;
  bool is_ready() const override { return is_open_; }
  void append(std::string& out, std::uint64_t first, std::size_t count) override;
  bool take(std::string_view input, std::string& reply, std::string& why) override;
  std::uint64_t owed() const override { return is_answered() ? published_ - answers_ : 0; }
  bool is_answered() const override { return options_.dialect != Dialect::kFloor; }
  std::uint64_t echoes() const override { return echoes_; }

 private:
  std::string_view subprotocol() const {
    return says_commands_ ? subprotocol_of(options_.dialect) : std::string_view();
  }
  std::uint32_t masking_key() { return static_cast<std::uint32_t>(masking_keys_.next()); }
  void take_message(std::string_view payload);

  const Options& options_;
  std::size_t number_;
  bool says_commands_;  // wspush.v1, where its answers are what is measured
  bool asks_for_answers_;
  SplitMix64 masking_keys_{1};
  std::string unread_;
  std::string payload_;  // scratch
  bool is_open_ = false;
  std::uint64_t published_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t echoes_ = 0;
  std::deque<std::uint64_t> pings_;  // what had been published before each that is not answered
};

std::string WebSocketPublisher::opening() const {
  return encode_handshake(options_, publisher_path(options_), subprotocol(), kKeySeed + number_,
                          false);
}

void WebSocketPublisher::append(std::string& out, std::uint64_t first, std::size_t count) {
  const std::uint8_t opcode = payload_opcode(options_);
  for (std::uint64_t sequence = first; sequence < first + count; ++sequence) {
    payload_.clear();
    if (says_commands_) {
      payload_.append(R"({"op":"publish",)").append(asks_for_answers_ ? R"("id":1,)" : "");
      payload_.append(R"("topic":")").append(options_.topic);
      payload_.append(R"(","data":")");
    }
    append_payload(payload_, sequence, options_.payload_bytes, options_.payload_kind);
    if (says_commands_) {
      payload_.append("\"}");
    }
    append_client_frame(out, opcode, payload_, masking_key());
  }
  published_ += count;
  if (says_commands_ && !asks_for_answers_) {
    append_client_frame(out, opcode, R"({"op":"ping","id":1})", masking_key());
    pings_.push_back(published_);
  }
}

bool WebSocketPublisher::take(std::string_view input, std::string& reply, std::string& why) {
  if (!unread_.empty()) {
    unread_.append(input);
    input = unread_;
  }
  std::string_view left = input;
  if (!is_open_) {
    switch (take_handshake_answer(left, subprotocol(), kKeySeed + number_, false, why)) {
      case HandshakeStatus::kNeedMore:
        break;
      case HandshakeStatus::kRefused:
        return false;
      case HandshakeStatus::kDone:
        is_open_ = true;
        break;
    }
  }
  FrameView frame;
  FrameStatus status = FrameStatus::kNeedMore;
  while (is_open_ && (status = parse_frame(left, frame)) == FrameStatus::kWhole) {
    const std::string_view payload = left.substr(frame.header_bytes, frame.payload_bytes);
    if (frame.opcode == kOpcodePing) {
      append_client_frame(reply, kOpcodePong, payload, masking_key());
    } else if (frame.opcode == kOpcodeClose) {
      why = "the server closed with " + describe_close(payload);
      return false;
    } else if (frame.opcode != kOpcodePong) {
      take_message(payload);
    }
    left.remove_prefix(frame.bytes());
  }
  if (!left.empty() || !unread_.empty()) {
    unread_ = std::string(left);
  }
  why = "a frame that no server may send, or a fragment";
  return status != FrameStatus::kRefused;
}

void WebSocketPublisher::take_message(std::string_view payload) {
  if (options_.dialect == Dialect::kNchan) {
    ++answers_;  // nchan answers each with a text of its own.
    return;
  }
  if (!says_commands_) {
    ++echoes_;
    const auto sequence = sequence_of(payload);
    answers_ += sequence && PublishLedger::publisher_of(*sequence) == number_ ? 1U : 0U;
    return;
  }
  const std::string_view op = find_json_string(payload, "op").value_or("");
  if (op == "published") {
    ++answers_;
  } else if (op == "pong" && !pings_.empty()) {
    answers_ = pings_.front();
    pings_.pop_front();
  } else if (op == "error") {
    answers_ += asks_for_answers_ ? 1U : 0U;
    count_errors(1, payload.substr(0, 200));
  }
}

}  // namespace

std::unique_ptr<PublisherProtocol> make_websocket_publisher(const Options& options,
                                                            std::size_t number) {
  return std::make_unique<WebSocketPublisher>(options, number);
}

}  // namespace wspush::load
