#include "load/message_ring.hpp"

#include <algorithm>
#include <cstdlib>

#include <zlib.h>

#include "load/payload.hpp"
#include "load/wire.hpp"

namespace wspush::load {
namespace {

// Stays in the cache: reading the payloads again must not cost more than receiving them.
constexpr std::size_t kRingBytes = 256 * 1024;
constexpr std::size_t kMessagesMax = 64;
constexpr std::size_t kMessagesMin = 3;
constexpr std::uint32_t kMaskingKey = 0x9e3779b9;
constexpr std::size_t kTailBytes = 4;

}  // namespace

std::string deflate_message(std::string_view payload) {
  z_stream stream{};
  if (::deflateInit2(&stream, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    std::abort();  // No memory, at the start.
  }
  // zlib does not write through next_in; its type is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));
  stream.avail_in = static_cast<uInt>(payload.size());
  std::string out(::deflateBound(&stream, static_cast<uLong>(payload.size())) + 64, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  (void)::deflate(&stream, Z_SYNC_FLUSH);
  out.resize(out.size() - stream.avail_out - kTailBytes);
  ::deflateEnd(&stream);
  return out;
}

MessageRing::MessageRing(const Options& options) {
  const std::size_t bytes = std::max(options.payload_bytes, kPayloadBytesMin);
  const std::size_t count = std::clamp(kRingBytes / bytes, kMessagesMin, kMessagesMax);
  const std::uint8_t opcode = options.is_text ? kOpcodeText : kOpcodeBinary;
  for (std::size_t i = 0; i < count; ++i) {
    payloads_.push_back(make_payload(i, bytes, options.payload_kind));
    std::string frame;
    if (options.is_deflated) {
      append_client_frame(frame, opcode, deflate_message(payloads_.back()), kMaskingKey);
      mark_compressed(frame, 0);
    } else {
      append_client_frame(frame, opcode, payloads_.back(), kMaskingKey);
    }
    frames_.push_back(std::move(frame));
  }
}

}  // namespace wspush::load
