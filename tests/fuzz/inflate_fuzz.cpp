#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/plain_inflate.hpp"
#include "websocket/permessage_deflate.hpp"

// permessage-deflate both ways. The input: a byte of parameters, then messages, each a piece. As
// compressed bytes they are held against a plain reading of RFC 1951; as messages they are deflated
// and have to come back, whoever reads them.
namespace wspush::fuzz {
namespace {

using websocket::Deflater;
using websocket::FrameError;
using websocket::Inflater;
using websocket::ScratchBuffer;

constexpr std::uint64_t kMessageBytesMax = 50'000;
constexpr std::size_t kLargestWindow = 32'768;

PlainInflate::Result result_of(FrameError error) {
  switch (error) {
    case FrameError::kNone:
      return PlainInflate::Result::kComplete;
    case FrameError::kMessageTooBig:
    case FrameError::kInflatesTooFar:
      return PlainInflate::Result::kTooLong;
    default:
      WSPUSH_CHECK(error == FrameError::kInvalidDeflate);
      return PlainInflate::Result::kInvalid;
  }
}

void check_inflate(const std::vector<ByteView>& pieces, int window_bits, bool keeps_context,
                   std::uint64_t ratio_max) {
  Inflater inflater({.window_bits = window_bits, .keeps_context = keeps_context});
  ScratchBuffer scratch;
  std::string history;
  for (const ByteView piece : pieces) {
    const Copy copy(piece);
    const FrameError error = inflater.inflate(
        copy.view(), {.message_bytes_max = kMessageBytesMax, .ratio_max = ratio_max}, scratch);
    // A bomb costs what is allowed, and one step.
    const std::uint64_t allowed = std::min(kMessageBytesMax, ratio_max * piece.size());
    WSPUSH_CHECK(scratch.size() <= allowed + 1);
    if (!keeps_context) {
      history.clear();
    }
    // How far back zlib lets a message refer depends on where its own steps end: a message that
    // does so further than was agreed may be taken or not.
    const std::size_t window = std::size_t{1} << static_cast<unsigned>(window_bits);
    const PlainInflate strict(piece, history, window, allowed);
    const PlainInflate loose(piece, history, kLargestWindow, allowed);
    const PlainInflate::Result got = result_of(error);
    WSPUSH_CHECK(got == strict.result() || got == loose.result());
    if (error == FrameError::kMessageTooBig || error == FrameError::kInflatesTooFar) {
      WSPUSH_CHECK((error == FrameError::kMessageTooBig) == (allowed == kMessageBytesMax));
    }
    if (error != FrameError::kNone) {
      return;
    }
    WSPUSH_CHECK(as_view(scratch.view()) == loose.message());
    history += loose.message();
  }
}

void check_round_trip(const std::vector<ByteView>& pieces, int window_bits, bool keeps_context) {
  Deflater deflater(
      {.window_bits = window_bits, .memory_level = 1, .keeps_context = keeps_context});
  // The reader has the window that was agreed, not ours.
  Inflater inflater({.window_bits = window_bits, .keeps_context = keeps_context});
  ScratchBuffer compressed;
  ScratchBuffer scratch;
  std::string history;
  for (const ByteView piece : pieces) {
    const std::array<ByteView, 2> parts = {piece.substr(0, piece.size() / 2),
                                           piece.substr(piece.size() / 2)};
    const auto payload = deflater.deflate(parts, compressed);
    if (!payload) {
      WSPUSH_CHECK(!keeps_context);
      continue;
    }
    WSPUSH_CHECK(keeps_context || payload->size() < piece.size());
    const FrameError error = inflater.inflate(
        *payload, {.message_bytes_max = piece.size(), .ratio_max = 2'000}, scratch);
    WSPUSH_CHECK(error == FrameError::kNone && as_view(scratch.view()) == piece);
    if (!keeps_context) {
      history.clear();
    }
    // No byte refers further back than was agreed, 256 included.
    const PlainInflate plain(
        *payload, history, std::size_t{1} << static_cast<unsigned>(window_bits), kMessageBytesMax);
    WSPUSH_CHECK(plain.result() == PlainInflate::Result::kComplete && plain.message() == piece);
    history += piece;
  }
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 4'096) {
    return;
  }
  Draw draw(input);
  const std::uint8_t bits = draw.byte();
  const bool keeps_context = (bits & 1U) != 0;
  const std::uint64_t ratio_max = (bits & 2U) != 0 ? 10 : 1'000;
  const int window_bits = 8 + ((bits >> 2U) & 7);
  std::vector<ByteView> pieces;
  if ((bits & 0x20U) != 0) {
    pieces.push_back(draw.rest());
  }
  while (!draw.is_empty()) {
    pieces.push_back(draw.piece());
  }
  check_inflate(pieces, window_bits, keeps_context, ratio_max);
  check_round_trip(pieces, window_bits, keeps_context);
}

}  // namespace wspush::fuzz
