#include <string>

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/http_oracle.hpp"
#include "http/chunked_body.hpp"
#include "http/response_writer.hpp"

// The chunked coding: against the plain reading of a whole body, in any pieces, and back from what
// the writer makes.
namespace wspush::fuzz {
namespace {

using http::BodyStatus;
using http::ChunkedBody;

struct Decoded {
  BodyStatus status = BodyStatus::kNeedMore;
  std::string payload;
  std::size_t consumed = 0;

  friend bool operator==(const Decoded&, const Decoded&) = default;
};

template <typename NextPiece>
Decoded decode(ByteView input, NextPiece&& next_piece) {
  ChunkedBody body;
  Decoded decoded;
  while (decoded.consumed < input.size()) {
    const Copy piece(input.substr(decoded.consumed, next_piece()));
    ByteView rest = piece.view();
    for (;;) {
      const http::BodyStep step = body.next(rest);
      WSPUSH_CHECK(step.consumed <= rest.size());
      WSPUSH_CHECK((step.status == BodyStatus::kPiece) == !step.piece.empty());
      decoded.payload += step.piece;
      decoded.consumed += step.consumed;
      rest.remove_prefix(step.consumed);
      WSPUSH_CHECK(body.payload_bytes() == decoded.payload.size());
      if (step.status == BodyStatus::kPiece) {
        WSPUSH_CHECK(step.consumed > 0);
        continue;
      }
      decoded.status = step.status;
      WSPUSH_CHECK(step.status != BodyStatus::kNeedMore || rest.empty());
      break;
    }
    if (decoded.status != BodyStatus::kNeedMore) {
      break;
    }
  }
  return decoded;
}

/// A whole, well-formed body at the start of `text`; nothing else is told apart.
std::optional<Decoded> plain_decode(std::string_view text) {
  Decoded decoded{BodyStatus::kEnd, {}, 0};
  std::size_t at = 0;
  for (;;) {
    const std::size_t end = text.find("\r\n", at);
    if (end == text.npos || end - at > http::kChunkLineBytesMax) {
      return std::nullopt;
    }
    const std::string_view line = text.substr(at, end - at);
    const std::string_view before = line.substr(0, line.find(';'));
    std::string_view digits = before.substr(0, before.find_first_of(" \t"));
    if (digits.empty() || digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos ||
        before.substr(digits.size()).find_first_not_of(" \t") != before.npos ||
        (before.size() > digits.size() && before.size() == line.size()) || !plain_is_text(line)) {
      return std::nullopt;
    }
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
    if (digits.size() > 8) {
      return std::nullopt;  // More than any input here.
    }
    const std::size_t size = std::stoul(std::string(digits), nullptr, 16);
    at = end + 2;
    if (size == 0) {
      break;
    }
    if (size > text.size() || text.size() - at < size + 2 || text.substr(at + size, 2) != "\r\n") {
      return std::nullopt;
    }
    decoded.payload += text.substr(at, size);
    at += size + 2;
  }
  // The trailers: lines of a head behind a first line that we add.
  const auto trailers = plain_head("x\r\n" + std::string(text.substr(at)), 0);
  if (!trailers || trailers->bytes - 3 > http::kTrailerBytesMax) {
    return std::nullopt;
  }
  decoded.consumed = at + trailers->bytes - 3;
  return decoded;
}

void check_round_trip(ByteView input) {
  Draw draw(input);
  std::string payload;
  std::string coded;
  while (!draw.is_empty()) {
    const ByteView piece = draw.piece();
    payload += piece;
    http::append_chunk(coded, piece);
  }
  http::append_last_chunk(coded);
  const std::size_t bytes = coded.size();
  coded += "next";
  SplitMix64 chance = chance_of(input);
  const Decoded decoded =
      decode(coded, [&] { return static_cast<std::size_t>(1 + chance.below(64)); });
  WSPUSH_CHECK(decoded == (Decoded{BodyStatus::kEnd, payload, bytes}));
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 20'000) {
    return;
  }
  const Decoded whole = decode(input, [&] { return input.size(); });
  SplitMix64 chance = chance_of(input);
  WSPUSH_CHECK(decode(input, [&] { return static_cast<std::size_t>(1 + chance.below(16)); }) ==
               whole);
  WSPUSH_CHECK(decode(input, [] { return std::size_t{1}; }) == whole);
  const auto plain = plain_decode(input);
  WSPUSH_CHECK(plain.has_value() == (whole.status == BodyStatus::kEnd));
  WSPUSH_CHECK(!plain || *plain == whole);
  check_round_trip(input);
}

}  // namespace wspush::fuzz
