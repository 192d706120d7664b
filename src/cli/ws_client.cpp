#include "cli/ws_client.hpp"

#include <cstring>
#include <utility>

#include "websocket/frame_encoder.hpp"

namespace wspush::cli {
namespace {

using websocket::AssemblerEvent;
using websocket::CloseCode;
using websocket::Opcode;

constexpr websocket::MessageRules kRules{.role = websocket::Role::kClient,
                                         .message_bytes_max = kMessageBytesMax};

std::array<std::uint8_t, 16> key_bytes(Random& random) {
  const std::array<std::uint64_t, 2> words{random.next(), random.next()};
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

WsEvent failure(std::string text) {
  return {.kind = WsEvent::Kind::kFailed, .text = std::move(text)};
}

std::string describe_close(CloseCode code, ByteView reason) {
  std::string text = code == CloseCode::kNoStatus
                         ? "the server closed"
                         : "the server closed with " + std::to_string(static_cast<int>(code));
  return reason.empty() ? text : text.append(": ").append(reason);
}

}  // namespace

WsClient::WsClient(const Endpoint& endpoint, const std::string& token, Random& random)
    : random_(random) {
  request_.host = endpoint.authority;
  request_.target = websocket_path(endpoint);
  request_.key = websocket::make_client_key(key_bytes(random));
  request_.subprotocols = {"wspush.v1"};
  if (!token.empty()) {
    request_.headers.emplace_back("Authorization", "Bearer " + token);
  }
}

void WsClient::begin(std::string& out) const {
  out += websocket::encode_upgrade_request(request_);
}

WsEvent WsClient::next(MutableBytes& input, std::string& out) {
  if (!is_open_) {
    return on_handshake(input);
  }
  while (true) {
    const AssemblerEvent event = assembler_.next(input, kRules);
    switch (event.kind) {
      case AssemblerEvent::Kind::kNone:
        return {};
      case AssemblerEvent::Kind::kText:
        return {.kind = WsEvent::Kind::kText, .payload = event.payload, .text = {}};
      case AssemblerEvent::Kind::kPing:
        send(Opcode::kPong, as_view(event.payload), out);
        break;
      case AssemblerEvent::Kind::kPong:
        break;
      case AssemblerEvent::Kind::kBinary:
        return failure("the server sent a binary message");
      case AssemblerEvent::Kind::kClose:
        send(Opcode::kClose, websocket::encode_close_payload(event.close_code, {}), out);
        return {.kind = WsEvent::Kind::kClosed,
                .text = describe_close(event.close_code, as_view(event.payload)),
                .close_code = event.close_code};
      case AssemblerEvent::Kind::kError:
        send(Opcode::kClose, websocket::encode_close_payload(event.close_code, {}), out);
        return failure("broken frame: " + std::string(websocket::describe(event.error)));
    }
  }
}

WsEvent WsClient::on_handshake(MutableBytes& input) {
  ByteView bytes = as_view(input);
  const ResponseReader::Status status = response_.feed(bytes);
  input = input.last(bytes.size());
  switch (status) {
    case ResponseReader::Status::kNeedMore:
      return {};
    case ResponseReader::Status::kError:
      return failure(response_.error());
    case ResponseReader::Status::kComplete:
      return on_response_end();
    case ResponseReader::Status::kUpgraded:
      break;
  }
  const auto checked = websocket::check_upgrade_response(response_.head_bytes(), request_);
  if (!checked) {
    return failure(std::string(websocket::describe(checked.error())));
  }
  is_open_ = true;
  return {.kind = WsEvent::Kind::kOpen, .text = {}};
}

WsEvent WsClient::on_response_end() {
  return {.kind = WsEvent::Kind::kRefused,
          .text = response_.describe_refusal(),
          .status = response_.status(),
          .retry_after = response_.retry_after()};
}

WsEvent WsClient::on_end() {
  if (is_open_) {
    return {.kind = WsEvent::Kind::kClosed,
            .text = "the connection ended without a close",
            .close_code = CloseCode::kAbnormal};
  }
  const ResponseReader::Status status = response_.on_end();
  // A refusal whose body was cut off is a refusal.
  return status == ResponseReader::Status::kComplete || response_.has_head()
             ? on_response_end()
             : failure(response_.error());
}

void WsClient::send_text(ByteView text, std::string& out) {
  send(Opcode::kText, text, out);
}

void WsClient::send_close(std::string& out) {
  send(Opcode::kClose, websocket::encode_close_payload(CloseCode::kNormal, {}), out);
}

void WsClient::send(Opcode opcode, ByteView payload, std::string& out) {
  const std::uint64_t word = random_.next();
  websocket::MaskingKey key{};
  std::memcpy(&key, &word, sizeof(key));
  websocket::append_masked_frame(out, opcode, payload, key);
}

}  // namespace wspush::cli
