#include "door/wire_forms.hpp"

#include "base/json.hpp"
#include "hub/message_json.hpp"
#include "websocket/frame_encoder.hpp"

namespace wspush::door {
namespace {

using hub::Message;
using hub::PayloadKind;
using hub::WireBytes;

/// {"op":"message","topic":"news","id":"1a2b3c4d-7","data":{"a":1}}
std::unique_ptr<WireBytes> encode_wspush_v1(ByteView topic, const Message& message) {
  std::string text = R"({"op":"message","topic":)";
  append_json_string(text, topic);
  text.push_back(',');
  auto form = std::make_unique<WireBytes>();
  form->has_payload = hub::append_members_before_payload(text, message);
  std::size_t bytes = text.size() + 1;
  if (form->has_payload) {
    bytes += message.payload().size();
    form->suffix = "}";
  } else {
    text.push_back('}');
  }
  const auto header = websocket::encode_server_header(websocket::Opcode::kText, bytes);
  form->prefix.reserve(header.view().size() + text.size());
  form->prefix.append(header.view()).append(text);
  return form;
}

std::unique_ptr<WireBytes> encode_raw(ByteView /*topic*/, const Message& message) {
  const auto opcode = message.kind() == PayloadKind::kBinary ? websocket::Opcode::kBinary
                                                             : websocket::Opcode::kText;
  auto form = std::make_unique<WireBytes>();
  form->prefix = websocket::encode_server_header(opcode, message.payload().size()).view();
  return form;
}

}  // namespace

std::array<hub::Encode, hub::kWireFormCount> wire_forms() {
  std::array<hub::Encode, hub::kWireFormCount> forms{};
  forms[static_cast<std::size_t>(hub::WireForm::kWspushV1)] = encode_wspush_v1;
  forms[static_cast<std::size_t>(hub::WireForm::kRaw)] = encode_raw;
  return forms;
}

}  // namespace wspush::door
