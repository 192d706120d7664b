#include <string>
#include <vector>

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "unit/websocket/reference_codec.hpp"
#include "websocket/frame_encoder.hpp"
#include "websocket/frame_parser.hpp"

// The frame parser and the assembler on a stream that is cut anywhere. The input: a byte of rules,
// then pieces, each behind a byte that gives its length. What a server makes of it must not depend
// on the cuts, and must be what the reference codec makes of the whole stream.
namespace wspush::fuzz {
namespace {

using websocket::AssemblerEvent;
using websocket::FrameError;
using websocket::FrameHeader;
using websocket::FrameParser;
using websocket::HeaderRules;
using websocket::MessageAssembler;
using websocket::MessageRules;
using websocket::Opcode;

/// What a stream of frames is, as text: each header, each payload, the error.
std::string read_frames(const std::vector<ByteView>& pieces, HeaderRules rules) {
  FrameParser parser;
  std::string out;
  for (const ByteView piece : pieces) {
    Copy copy(piece);
    MutableBytes input = copy.bytes();
    for (;;) {
      if (!parser.is_in_frame()) {
        FrameHeader header;
        const FrameError error = parser.take_header(input, rules, header);
        if (error != FrameError::kNone) {
          return out + "error " + std::to_string(static_cast<int>(error));
        }
        if (header.header_bytes == 0) {
          WSPUSH_CHECK(input.empty());
          break;
        }
        WSPUSH_CHECK(header.payload_bytes < (std::uint64_t{1} << 63U));
        WSPUSH_CHECK(!is_control(header.opcode) || (header.fin && header.payload_bytes <= 125));
        WSPUSH_CHECK(header.masked == (rules.role == websocket::Role::kServer));
        WSPUSH_CHECK(!header.rsv1 || rules.allow_rsv1);
        WSPUSH_CHECK(parser.is_in_frame() && parser.opcode() == header.opcode &&
                     parser.fin() == header.fin);
        out += "[" + std::to_string(static_cast<int>(header.opcode)) + (header.fin ? "f" : "") +
               (header.rsv1 ? "r" : "") + std::to_string(header.payload_bytes) + "]";
      }
      const std::size_t before = input.size();
      const websocket::FramePiece taken = parser.take_payload(input);
      WSPUSH_CHECK(before - input.size() == taken.payload.size());
      WSPUSH_CHECK(taken.is_last() == !parser.is_in_frame());
      out += as_view(taken.payload);
      if (!taken.is_last()) {
        WSPUSH_CHECK(input.empty());
        break;
      }
    }
  }
  return out;
}

std::vector<std::string> read_messages(const std::vector<ByteView>& pieces,
                                       const MessageRules& rules) {
  MessageAssembler assembler;
  std::vector<std::string> lines;
  std::size_t fed = 0;
  for (const ByteView piece : pieces) {
    Copy copy(piece);
    MutableBytes input = copy.bytes();
    fed += piece.size();
    for (;;) {
      const AssemblerEvent event = assembler.next(input, rules);
      const std::string payload(as_view(event.payload));
      switch (event.kind) {
        case AssemblerEvent::Kind::kNone:
          break;
        case AssemblerEvent::Kind::kText:
          lines.push_back(websocket::line_of("text", payload));
          break;
        case AssemblerEvent::Kind::kBinary:
          lines.push_back(websocket::line_of("binary", payload));
          break;
        case AssemblerEvent::Kind::kPing:
          lines.push_back(websocket::line_of("ping", payload));
          break;
        case AssemblerEvent::Kind::kPong:
          lines.push_back(websocket::line_of("pong", payload));
          break;
        case AssemblerEvent::Kind::kClose:
          lines.push_back(websocket::line_of(
              "close", std::to_string(static_cast<int>(event.close_code)) + ":" + payload));
          break;
        case AssemblerEvent::Kind::kError:
          WSPUSH_CHECK(event.close_code == close_code_for(event.error));
          WSPUSH_CHECK(!describe(event.error).empty());
          lines.push_back(
              websocket::line_of("error", std::to_string(static_cast<int>(event.close_code))));
          break;
      }
      // Memory follows what came, never what was announced.
      WSPUSH_CHECK(assembler.heap_bytes() <= 2 * fed + 512);
      if (event.kind == AssemblerEvent::Kind::kNone) {
        WSPUSH_CHECK(input.empty());
        WSPUSH_CHECK(assembler.is_in_message() || assembler.is_finished() ||
                     assembler.heap_bytes() <= 512);
        break;
      }
    }
  }
  return lines;
}

/// The stream in frames that come back out of the encoder, one for each piece.
void check_encoder(const std::vector<ByteView>& pieces) {
  std::string client;
  std::string server;
  std::string wanted;
  for (const ByteView piece : pieces) {
    const auto key = static_cast<std::uint8_t>(piece.size() * 37);
    websocket::append_masked_frame(client, Opcode::kBinary, piece, {key, 1, 0, 255});
    websocket::append_frame(server, Opcode::kBinary, piece);
    wanted += "[2f" + std::to_string(piece.size()) + "]" + std::string(piece);
  }
  WSPUSH_CHECK(read_frames({client}, {.role = websocket::Role::kServer}) == wanted);
  WSPUSH_CHECK(read_frames({server}, {.role = websocket::Role::kClient}) == wanted);
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 4'096) {
    return;
  }
  Draw draw(input);
  const std::uint8_t bits = draw.byte();
  std::vector<ByteView> pieces;
  std::string stream;
  while (!draw.is_empty()) {
    pieces.push_back(draw.piece());
    stream += pieces.back();
  }
  const HeaderRules header_rules{
      .role = (bits & 1U) != 0 ? websocket::Role::kClient : websocket::Role::kServer,
      .allow_rsv1 = (bits & 2U) != 0};
  WSPUSH_CHECK(read_frames(pieces, header_rules) == read_frames({stream}, header_rules));

  const MessageRules rules{.message_bytes_max = (bits & 4U) != 0 ? 64U : 100'000U,
                           .frames_per_message_max = (bits & 8U) != 0 ? 3U : 100U};
  const auto lines = read_messages(pieces, rules);
  WSPUSH_CHECK(lines == read_messages({stream}, rules));
  WSPUSH_CHECK(lines == websocket::ReferenceCodec(stream, rules).events());
  check_encoder(pieces);
}

}  // namespace wspush::fuzz
