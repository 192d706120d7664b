#include "websocket/frame_encoder.hpp"

#include "base/check.hpp"

namespace wspush::websocket {
namespace {

constexpr std::size_t kCloseReasonBytesMax = kControlPayloadBytesMax - 2;

/// The longest beginning of `text` of at most `bytes_max` bytes that cuts no code point.
ByteView clipped(ByteView text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  std::size_t bytes = bytes_max;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80) {
    --bytes;
  }
  return text.substr(0, bytes);
}

}  // namespace

void append_frame(std::string& out, Opcode opcode, ByteView payload) {
  const EncodedHeader header = encode_server_header(opcode, payload.size());
  out.reserve(out.size() + header.size + payload.size());
  out += header.view();
  out += payload;
}

void append_masked_frame(std::string& out, Opcode opcode, ByteView payload, MaskingKey key) {
  const EncodedHeader header = encode_frame_header({.payload_bytes = payload.size(),
                                                    .masking_key = key,
                                                    .opcode = opcode,
                                                    .fin = true,
                                                    .masked = true});
  out.reserve(out.size() + header.size + payload.size());
  out += header.view();
  const std::size_t payload_at = out.size();
  out += payload;
  unmask(MutableBytes{out}.subspan(payload_at), key);
}

std::string encode_close_payload(CloseCode code, ByteView reason) {
  if (code == CloseCode::kNoStatus) {
    return {};
  }
  const auto value = static_cast<std::uint16_t>(code);
  WSPUSH_ASSERT(may_be_received(value));
  std::string payload = {static_cast<char>(value >> 8), static_cast<char>(value & 0xFF)};
  payload += clipped(reason, kCloseReasonBytesMax);
  return payload;
}

std::string encode_close(CloseCode code, ByteView reason) {
  std::string out;
  append_frame(out, Opcode::kClose, encode_close_payload(code, reason));
  return out;
}

std::string encode_close(CloseCode code) {
  return encode_close(code, reason_phrase(code));
}

}  // namespace wspush::websocket
