#include <string>
#include <vector>

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "unit/websocket/frame_builder.hpp"
#include "unit/websocket/reference_codec.hpp"
#include "websocket/message_assembler.hpp"

// Sequences of frames that are well-formed one by one: what may follow what, limits, text that is
// cut inside of a code point, control frames in between. The input: a byte of rules, then for each
// frame its first byte, a byte that chooses the mask, and a piece as its payload. Lengths and masks
// are made here, so that no input is lost on them.
namespace wspush::fuzz {
namespace {

using websocket::AssemblerEvent;
using websocket::MessageAssembler;
using websocket::MessageRules;

std::string frame(std::uint8_t first, std::uint8_t choice, ByteView payload) {
  const char key[] = {static_cast<char>(choice), static_cast<char>(choice * 3), '\0', '\x80'};
  return websocket::build({.opcode = first & 0xfU,
                           .fin = (first & 0x80U) != 0,
                           .rsv = (first >> 4U) & 7U,
                           .key = {key, sizeof key},
                           .payload = payload});
}

std::vector<std::string> read(ByteView stream, const MessageRules& rules, SplitMix64* chance) {
  MessageAssembler assembler;
  std::vector<std::string> lines;
  while (!stream.empty()) {
    Copy copy(stream.substr(0, chance == nullptr ? stream.size() : 1 + chance->below(9)));
    stream.remove_prefix(copy.view().size());
    MutableBytes input = copy.bytes();
    for (;;) {
      const AssemblerEvent event = assembler.next(input, rules);
      if (event.kind == AssemblerEvent::Kind::kNone) {
        break;
      }
      const std::string payload(as_view(event.payload));
      const std::string code = std::to_string(static_cast<int>(event.close_code));
      constexpr std::string_view kNames[] = {"", "text", "binary", "ping", "pong"};
      WSPUSH_CHECK(!event.is_compressed);
      lines.push_back(event.kind == AssemblerEvent::Kind::kError ? "error:" + code
                      : event.kind == AssemblerEvent::Kind::kClose
                          ? "close:" + code + ":" + payload
                          : websocket::line_of(kNames[static_cast<int>(event.kind)], payload));
      WSPUSH_CHECK(payload.size() <= rules.message_bytes_max || payload.size() <= 125);
    }
    WSPUSH_CHECK(input.empty());
  }
  WSPUSH_CHECK(!assembler.is_finished() || assembler.heap_bytes() == 0);
  return lines;
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 4'096) {
    return;
  }
  Draw draw(input);
  const std::uint8_t bits = draw.byte();
  const MessageRules rules{.message_bytes_max = (bits & 1U) != 0 ? 20U : 100'000U,
                           .frames_per_message_max = (bits & 2U) != 0 ? 3U : 1'000U};
  std::string stream;
  while (!draw.is_empty()) {
    const std::uint8_t first = draw.byte();
    const std::uint8_t choice = draw.byte();
    stream += frame(first, choice, draw.piece());
  }
  const auto lines = read(stream, rules, nullptr);
  SplitMix64 chance = chance_of(input);
  WSPUSH_CHECK(lines == read(stream, rules, &chance));
  WSPUSH_CHECK(lines == websocket::ReferenceCodec(stream, rules).events());
}

}  // namespace wspush::fuzz
