#include "http/chunked_body.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

#include "http/response_writer.hpp"

namespace wspush::http {
namespace {

using namespace std::string_view_literals;

/// Feeds `text` in pieces of memory of their own; tells payload and outcome as text.
template <typename NextPiece>
std::string decode(std::string_view text, NextPiece&& next_piece) {
  ChunkedBody body;
  std::string payload;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t bytes = std::min(text.size() - at, next_piece());
    const auto copy = std::make_unique<char[]>(bytes);
    std::copy_n(text.data() + at, bytes, copy.get());
    std::string_view input(copy.get(), bytes);
    for (;;) {
      const BodyStep step = body.next(input);
      EXPECT_LE(step.consumed, input.size());
      EXPECT_EQ(step.piece.empty(), step.status != BodyStatus::kPiece);
      input.remove_prefix(step.consumed);
      payload += step.piece;
      EXPECT_EQ(body.payload_bytes(), payload.size());
      if (step.status == BodyStatus::kError) {
        return "error " + std::string(body.error().message);
      }
      if (step.status == BodyStatus::kEnd) {
        return payload + "|" + std::to_string(at + bytes - input.size());
      }
      if (step.status == BodyStatus::kNeedMore) {
        EXPECT_TRUE(input.empty());
        break;
      }
    }
    at += bytes;
  }
  return payload + "|more";
}

std::string decode_whole(std::string_view text) {
  return decode(text, [&] { return text.size(); });
}

constexpr std::string_view kBody =
    "4\r\nWiki\r\n"
    "006;name=value;quoted=\"a;b\"\r\npedia \r\n"
    "1 ; x\r\n\n\r\n"
    "E\r\nin \r\n\r\nchunks.\r\n"
    "0;last\r\nTrailer: gone\r\nX:\r\n\r\n"
    "GET / HTTP/1.1\r\n";
constexpr std::string_view kDecoded = "Wikipedia \nin \r\n\r\nchunks.";

TEST(ChunkedBody, DecodesAndStopsAtTheEnd) {
  EXPECT_EQ(decode_whole(kBody), std::string(kDecoded) + "|" + std::to_string(kBody.size() - 16));
  EXPECT_EQ(decode_whole("0\r\n\r\n"), "|5");
  EXPECT_EQ(decode_whole("000\r\n\r\nx"), "|7");
  EXPECT_EQ(decode_whole("a\r\n0123456789\r\n0\r\n\r\n"), "0123456789|20");
}

TEST(ChunkedBody, DecodesTheSameAtEverySplit) {
  const std::string whole = decode_whole(kBody);
  for (std::size_t split = 1; split < kBody.size(); ++split) {
    bool is_first = true;
    ASSERT_EQ(decode(kBody, [&] { return std::exchange(is_first, false) ? split : kBody.size(); }),
              whole)
        << split;
  }
  for (const std::size_t bytes : {1U, 2U, 3U, 5U}) {
    EXPECT_EQ(decode(kBody, [&] { return bytes; }), whole);
  }
}

TEST(ChunkedBody, WantsMoreBeforeTheEnd) {
  for (std::size_t bytes = 1; bytes < kBody.size() - 16; ++bytes) {
    const std::string outcome = decode_whole(kBody.substr(0, bytes));
    ASSERT_TRUE(outcome.ends_with("|more")) << bytes << outcome;
  }
}

TEST(ChunkedBody, StaysAtItsEnd) {
  ChunkedBody body;
  EXPECT_EQ(body.next("0\r\n\r\nx").status, BodyStatus::kEnd);
  const BodyStep again = body.next("x");
  EXPECT_EQ(again.status, BodyStatus::kEnd);
  EXPECT_EQ(again.consumed, 0U);
}

TEST(ChunkedBody, StaysInItsError) {
  ChunkedBody body;
  EXPECT_EQ(body.next("x").status, BodyStatus::kError);
  EXPECT_EQ(body.next("0\r\n\r\n").status, BodyStatus::kError);
  EXPECT_EQ(body.next("").status, BodyStatus::kError);
}

TEST(ChunkedBody, HandsOutPayloadInPlace) {
  const std::string input = "5\r\nhello\r\n";
  ChunkedBody body;
  const BodyStep step = body.next(input);
  EXPECT_EQ(step.piece.data(), input.data() + 3);
  EXPECT_EQ(step.piece, "hello");
  EXPECT_EQ(step.consumed, 8U);
}

struct BadBody {
  std::string_view text;
  HttpFault fault;
};

TEST(ChunkedBody, RefusesMalformedBodies) {
  const BadBody rows[] = {
      {"\r\n"sv, HttpFault::kBadChunkSize},
      {"g\r\n"sv, HttpFault::kBadChunkSize},
      {"0x5\r\n"sv, HttpFault::kBadChunkSize},
      {"+5\r\n"sv, HttpFault::kBadChunkSize},
      {"-5\r\n"sv, HttpFault::kBadChunkSize},
      {" 5\r\n"sv, HttpFault::kBadChunkSize},
      {";x\r\n"sv, HttpFault::kBadChunkSize},
      {"5\n"sv, HttpFault::kBadChunkSize},
      {"5 \r\n"sv, HttpFault::kBadChunkSize},
      {"5 5\r\n"sv, HttpFault::kBadChunkSize},
      {"5\0"sv, HttpFault::kBadChunkSize},
      {"5\rx"sv, HttpFault::kBareCarriageReturn},
      {"5;a\n"sv, HttpFault::kBadChunkExtension},
      {"5;a\0"sv, HttpFault::kBadChunkExtension},
      {"5;a\rb"sv, HttpFault::kBareCarriageReturn},
      {"1\r\naX"sv, HttpFault::kBadChunkEnd},
      {"1\r\na\n"sv, HttpFault::kBadChunkEnd},
      {"1\r\na\rX"sv, HttpFault::kBadChunkEnd},
      {"1\r\nab\r\n"sv, HttpFault::kBadChunkEnd},
      {"0\r\n\n"sv, HttpFault::kBareLineFeed},
      {"0\r\nX: y\n"sv, HttpFault::kBareLineFeed},
      {"0\r\n X: y\r\n"sv, HttpFault::kFoldedLine},
      {"0\r\nX : y\r\n"sv, HttpFault::kSpaceBeforeColon},
      {"0\r\n\rX"sv, HttpFault::kBareCarriageReturn},
      {"10000000000000000\r\n"sv, HttpFault::kChunkSizeTooLarge},
      {"fffffffffffffffff\r\n"sv, HttpFault::kChunkSizeTooLarge},
  };
  for (const BadBody& row : rows) {
    const std::string wanted = "error " + std::string(describe(row.fault).message);
    EXPECT_EQ(decode_whole(row.text), wanted) << row.text;
    EXPECT_EQ(decode(row.text, [] { return std::size_t{1}; }), wanted) << row.text;
  }
}

TEST(ChunkedBody, TakesTheLargestSizeThatFits) {
  ChunkedBody body;
  const BodyStep step = body.next("ffffffffffffffff\r\nabc");
  EXPECT_EQ(step.status, BodyStatus::kPiece);
  EXPECT_EQ(step.piece, "abc");
}

TEST(ChunkedBody, BoundsTheSizeLine) {
  const auto with_line = [](std::size_t bytes) {
    return "1;" + std::string(bytes - 2, 'x') + "\r\na\r\n0\r\n\r\n";
  };
  EXPECT_TRUE(decode_whole(with_line(kChunkLineBytesMax)).starts_with("a|"));
  EXPECT_EQ(decode_whole(with_line(kChunkLineBytesMax + 1)), "error a chunk size line is too long");
  EXPECT_TRUE(decode_whole(std::string(kChunkLineBytesMax, '0') + "\r\n\r\n").starts_with("|"));
  EXPECT_EQ(decode_whole(std::string(kChunkLineBytesMax + 1, '0')),
            "error a chunk size line is too long");
  EXPECT_EQ(decode_whole("1" + std::string(kChunkLineBytesMax, ' ')),
            "error a chunk size line is too long");
}

TEST(ChunkedBody, BoundsTheTrailers) {
  const auto with_trailers = [](std::size_t bytes) {
    return "0\r\nX:" + std::string(bytes - 6, 'y') + "\r\n\r\n";
  };
  EXPECT_TRUE(decode_whole(with_trailers(kTrailerBytesMax)).starts_with("|"));
  EXPECT_EQ(decode_whole(with_trailers(kTrailerBytesMax + 1)), "error the trailers are too large");
}

TEST(ChunkedBody, DecodesWhatTheWriterEncodes) {
  SplitMix64 random(99);
  for (int round = 0; round < 200; ++round) {
    std::string payload;
    std::string encoded;
    for (std::uint64_t count = random.below(6); count > 0; --count) {
      std::string piece(static_cast<std::size_t>(random.below(600)), '\0');
      std::generate(piece.begin(), piece.end(), [&] { return static_cast<char>(random.next()); });
      append_chunk(encoded, piece);
      payload += piece;
    }
    append_last_chunk(encoded);
    const std::string wanted = payload + "|" + std::to_string(encoded.size());
    ASSERT_EQ(decode(encoded, [&] { return static_cast<std::size_t>(random.below(50)) + 1; }),
              wanted);
  }
}

}  // namespace
}  // namespace wspush::http
