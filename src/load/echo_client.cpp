#include "load/echo_client.hpp"

#include "load/handshake.hpp"
#include "load/wire.hpp"

namespace wspush::load {
namespace {

constexpr std::uint32_t kMaskingKey = 0x9e3779b9;

}  // namespace

std::string EchoClient::opening(const EchoContext& context) const {
  return encode_handshake(context.options, echo_path(context.options), {}, number_,
                          context.options.is_deflated);
}

bool EchoClient::take(std::string_view input, TimePoint now, const EchoContext& context,
                      std::string& reply) {
  const bool has_before = !unfinished_.empty();
  if (has_before) {
    unfinished_.append(input);
    input = unfinished_;
  }
  if (!is_live_) {
    std::string why;
    switch (take_handshake_answer(input, {}, number_, context.options.is_deflated, why)) {
      case HandshakeStatus::kNeedMore:
        break;
      case HandshakeStatus::kRefused:
        return refuse(context, why);
      case HandshakeStatus::kDone:
        is_live_ = true;
        break;
    }
  }
  FrameView frame;
  while (is_live_) {
    const FrameStatus status = parse_frame(input, frame);
    if (status == FrameStatus::kNeedMore) {
      break;
    }
    if (status == FrameStatus::kRefused || frame.is_masked) {
      return refuse(context, "a frame that no server may send, or a fragment");
    }
    std::string_view payload = input.substr(frame.header_bytes, frame.payload_bytes);
    if (frame.opcode == kOpcodePing) {
      append_client_frame(reply, kOpcodePong, payload, kMaskingKey);
    } else if (frame.opcode == kOpcodeClose) {
      return refuse(context, "close " + describe_close(payload));
    } else if (frame.opcode != kOpcodePong) {
      if (frame.is_compressed) {
        const auto message =
            context.options.is_deflated ? context.inflater.inflate(payload) : std::nullopt;
        if (!message) {
          return refuse(context, "a compressed frame that was not agreed on, or is none");
        }
        payload = *message;
      }
      if (frame.opcode != (context.options.is_text ? kOpcodeText : kOpcodeBinary) ||
          !take_message(payload, now, context)) {
        ++context.faults.corrupt;
        return refuse(context, "an echo that differs from what was sent");
      }
    }
    input.remove_prefix(frame.bytes());
  }
  // Large messages come in pieces: the memory for them is kept, and moved in place.
  if (has_before) {
    unfinished_.erase(0, unfinished_.size() - input.size());
  } else {
    unfinished_.assign(input);
  }
  return true;
}

bool EchoClient::take_message(std::string_view payload, TimePoint now, const EchoContext& context) {
  if (received_ == sent_ || payload != context.ring.payload(received_)) {
    return false;
  }
  context.round_trips.add(now - sent_at_[static_cast<std::size_t>(received_ % sent_at_.size())]);
  ++received_;
  return true;
}

std::size_t EchoClient::refill(TimePoint now, std::size_t left, const EchoContext& context,
                               std::string& out) {
  std::size_t count = 0;
  while (count < left && in_flight() < sent_at_.size()) {
    out.append(context.ring.frame(sent_));
    sent_at_[static_cast<std::size_t>(sent_ % sent_at_.size())] = now;
    ++sent_;
    ++count;
  }
  return count;
}

bool EchoClient::refuse(const EchoContext& context, const std::string& why) {
  context.faults.note("connection " + std::to_string(number_) + ": " + why);
  return false;
}

}  // namespace wspush::load
