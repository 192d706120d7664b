#include "fuzz/server_output.hpp"

#include <memory>
#include <set>

#include "base/check.hpp"
#include "base/json.hpp"
#include "fuzz/http_oracle.hpp"
#include "http/body_reader.hpp"
#include "http/response_parser.hpp"
#include "unit/base/json_oracle.hpp"
#include "unit/base/slow_utf8.hpp"
#include "unit/door/event_stream.hpp"
#include "unit/websocket/frame_builder.hpp"
#include "websocket/close_code.hpp"
#include "websocket/frame_header.hpp"
#include "websocket/permessage_deflate.hpp"

namespace wspush::fuzz {
namespace {

/// Of one message that a server sent; its payloads are no longer than inputs.
constexpr std::uint64_t kInflatedBytesMax = 4 << 20;

void check_event_stream(ByteView bytes, http::BodyReader body, bool may_be_cut) {
  std::string text;
  while (true) {
    const http::BodyStep step = body.next(bytes);
    WSPUSH_CHECK(step.status != http::BodyStatus::kError);
    bytes.remove_prefix(step.consumed);
    text.append(step.piece);
    if (step.status == http::BodyStatus::kEnd) {
      WSPUSH_CHECK(bytes.empty());
      break;
    }
    if (step.status == http::BodyStatus::kNeedMore) {
      break;
    }
  }
  WSPUSH_CHECK(may_be_cut || slow_is_valid(text));
  const door::test::EventStream stream = door::test::read_stream(text);
  WSPUSH_CHECK(may_be_cut || stream.rest.empty());
  WSPUSH_CHECK(may_be_cut || text.empty() || text.starts_with("retry: "));
  for (const door::test::StreamEvent& event : stream.events) {
    WSPUSH_CHECK(event.id.size() >= 10 && event.id[8] == '-');
    WSPUSH_CHECK(event.type.empty() || (event.type == "gap" && parse_json_object(event.data)));
  }
}

}  // namespace

std::string client_frame(std::uint8_t first, ByteView payload) {
  return websocket::build({.opcode = first & 0xfU,
                           .fin = (first & 0x80U) != 0,
                           .rsv = (first >> 4U) & 7U,
                           .payload = payload});
}

std::vector<ServerFrame> check_server_frames(ByteView bytes, bool may_be_cut,
                                             const Upgrade& upgrade) {
  std::vector<ServerFrame> frames;
  std::unique_ptr<websocket::Inflater> inflater;
  websocket::ScratchBuffer scratch;
  if (upgrade.deflate) {
    inflater = std::make_unique<websocket::Inflater>(
        websocket::Inflater::Options{.window_bits = upgrade.deflate->server_window_bits,
                                     .keeps_context = upgrade.deflate->server_context_takeover});
  }
  bool has_closed = false;
  while (!bytes.empty()) {
    WSPUSH_CHECK(!has_closed);
    websocket::FrameHeader header;
    const auto error = parse_frame_header(
        bytes, {.role = websocket::Role::kClient, .allow_rsv1 = upgrade.deflate.has_value()},
        header);
    WSPUSH_CHECK(error == websocket::FrameError::kNone);
    if (header.header_bytes == 0 || bytes.size() - header.header_bytes < header.payload_bytes) {
      WSPUSH_CHECK(may_be_cut);
      break;
    }
    WSPUSH_CHECK(header.fin && header.opcode != websocket::Opcode::kContinuation);
    ByteView payload =
        bytes.substr(header.header_bytes, static_cast<std::size_t>(header.payload_bytes));
    bytes.remove_prefix(header.header_bytes + payload.size());
    if (header.rsv1) {
      WSPUSH_CHECK(!is_control(header.opcode));
      const auto failed = inflater->inflate(
          payload, {.message_bytes_max = kInflatedBytesMax, .ratio_max = kInflatedBytesMax},
          scratch);
      WSPUSH_CHECK(failed == websocket::FrameError::kNone);
      payload = as_view(scratch.view());
    }
    if (header.opcode == websocket::Opcode::kText) {
      WSPUSH_CHECK(slow_is_valid(payload));
    }
    if (header.opcode == websocket::Opcode::kClose) {
      has_closed = true;
      WSPUSH_CHECK(payload.size() != 1);
      if (payload.size() >= 2) {
        const auto code = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) * 256U +
                                                     static_cast<unsigned char>(payload[1]));
        WSPUSH_CHECK(websocket::may_be_received(code) && slow_is_valid(payload.substr(2)));
      }
    }
    frames.push_back({static_cast<int>(header.opcode), std::string(payload)});
  }
  return frames;
}

websocket::DeflateAgreement check_deflate_answer(std::string_view answer) {
  websocket::DeflateAgreement agreement{.server_context_takeover = true,
                                        .client_context_takeover = true};
  const auto parts = plain_split(answer, ';');
  WSPUSH_CHECK(parts.front() == "permessage-deflate");
  std::set<std::string> known;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto words = plain_split(plain_trim(parts[i]), '=');
    WSPUSH_CHECK(known.insert(words[0]).second);
    if (words[0] == "server_no_context_takeover" || words[0] == "client_no_context_takeover") {
      WSPUSH_CHECK(words.size() == 1);
      (words[0][0] == 's' ? agreement.server_context_takeover : agreement.client_context_takeover) =
          false;
      continue;
    }
    WSPUSH_CHECK(words[0] == "server_max_window_bits" || words[0] == "client_max_window_bits");
    WSPUSH_CHECK(words.size() == 2);
    const int bits = std::stoi(words[1]);
    WSPUSH_CHECK(std::to_string(bits) == words[1] && bits >= 8 && bits <= 15);
    (words[0][0] == 's' ? agreement.server_window_bits : agreement.client_window_bits) =
        static_cast<std::uint8_t>(bits);
  }
  return agreement;
}

std::optional<Upgrade> check_responses(ByteView& bytes, bool may_be_cut) {
  while (!bytes.empty()) {
    http::ResponseHeadParser parser;
    const http::HeadStatus status = parser.parse(bytes);
    if (status == http::HeadStatus::kNeedMore) {
      WSPUSH_CHECK(may_be_cut);
      bytes = {};
      return std::nullopt;
    }
    WSPUSH_CHECK(status == http::HeadStatus::kComplete);
    const http::ResponseHead& head = parser.head();
    const bool is_upgrade = head.status == 101;
    if (is_upgrade) {
      WSPUSH_CHECK(head.headers.has_token("Connection", "upgrade"));
      WSPUSH_CHECK(head.headers.find("Upgrade") == "websocket");
      WSPUSH_CHECK(head.headers.find("Sec-WebSocket-Accept").value_or("").size() == 28);
    }
    Upgrade upgrade;
    if (const auto answer = head.headers.find("Sec-WebSocket-Extensions")) {
      WSPUSH_CHECK(is_upgrade && head.headers.count("Sec-WebSocket-Extensions") == 1);
      upgrade.deflate = check_deflate_answer(*answer);
    }
    const std::size_t body_bytes = static_cast<std::size_t>(head.content_length.value_or(0));
    const bool is_last = !head.keep_alive;
    bytes.remove_prefix(parser.head_bytes());
    if (is_upgrade) {
      return upgrade;
    }
    if (head.headers.find("Content-Type") == "text/event-stream") {
      check_event_stream(bytes, http::BodyReader::for_response(head, "GET"), may_be_cut);
      bytes = {};
      return std::nullopt;
    }
    // The answer to HEAD announces a body that does not come.
    if (bytes.starts_with('{')) {
      const ByteView body = bytes.substr(0, body_bytes);
      bytes.remove_prefix(body.size());
      WSPUSH_CHECK(may_be_cut || body.size() == body_bytes);
      WSPUSH_CHECK(body.size() < body_bytes || parse_json_object(body).has_value());
    }
    WSPUSH_CHECK(!is_last || bytes.empty());
  }
  return std::nullopt;
}

std::string check_v1_text(ByteView text) {
  // A payload may be as deep as JSON may be here, and stands up to four levels down.
  WSPUSH_CHECK(test::JsonOracle::accepts(text, static_cast<int>(kJsonDepthMax) + 4));
  constexpr ByteView kBegin = R"({"op":")";
  WSPUSH_CHECK(text.starts_with(kBegin));
  text.remove_prefix(kBegin.size());
  return std::string(text.substr(0, text.find('"')));
}

}  // namespace wspush::fuzz
