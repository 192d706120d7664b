#include "websocket/frame_parser.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/websocket/frame_builder.hpp"

namespace wspush::websocket {
namespace {

struct SeenFrame {
  FrameHeader header;
  std::string payload;
  bool is_whole = false;
};

/// Feeds `stream` in pieces of the given sizes (the last takes the rest) and puts the pieces of
/// each frame together again. Each piece is a buffer of its own, freed before the next: what the
/// parser keeps has to be its own.
std::vector<SeenFrame> parse_pieces(const std::string& stream, const std::vector<std::size_t>& cuts,
                                    HeaderRules rules = {}) {
  FrameParser parser;
  std::vector<SeenFrame> frames;
  std::size_t at = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    std::string piece = stream.substr(at, i < cuts.size() ? cuts[i] : std::string::npos);
    at += piece.size();
    MutableBytes input{piece};
    while (true) {
      if (!parser.is_in_frame()) {
        FrameHeader header;
        EXPECT_EQ(parser.take_header(input, rules, header), FrameError::kNone);
        if (header.header_bytes == 0) {
          EXPECT_TRUE(input.empty());
          break;
        }
        EXPECT_EQ(parser.fin(), header.fin);
        EXPECT_EQ(parser.opcode(), header.opcode);
        frames.push_back({.header = header});
      }
      const FramePiece taken = parser.take_payload(input);
      frames.back().payload += as_view(taken.payload);
      EXPECT_EQ(frames.back().payload.size() + taken.payload_left,
                frames.back().header.payload_bytes);
      if (!taken.is_last()) {
        EXPECT_TRUE(input.empty());
        break;
      }
      frames.back().is_whole = true;
    }
  }
  return frames;
}

std::string stream_of_all_forms() {
  return build({.opcode = 2, .fin = false, .payload = "first"}) +
         build({.opcode = 9, .payload = ""}) +
         build({.opcode = 0, .payload = std::string(130, 'c')}) +
         build({.opcode = 1, .payload = "last"});
}

void expect_all_forms(const std::vector<SeenFrame>& frames) {
  ASSERT_EQ(frames.size(), 4U);
  EXPECT_EQ(frames[0].payload, "first");
  EXPECT_FALSE(frames[0].header.fin);
  EXPECT_EQ(frames[1].header.opcode, Opcode::kPing);
  EXPECT_EQ(frames[1].payload, "");
  EXPECT_EQ(frames[2].payload, std::string(130, 'c'));
  EXPECT_EQ(frames[3].payload, "last");
  EXPECT_TRUE(frames[3].is_whole);
}

TEST(FrameParser, GivesTheSameFramesForEverySplit) {
  const std::string stream = stream_of_all_forms();
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = 0; second <= stream.size() - first; second += second < 20 ? 1 : 13) {
      SCOPED_TRACE(testing::Message() << first << ' ' << second);
      expect_all_forms(parse_pieces(stream, {first, second}));
    }
  }
  expect_all_forms(parse_pieces(stream, std::vector<std::size_t>(stream.size(), 1)));
}

TEST(FrameParser, KeepsAHeaderThatIsCutInAnyPlace) {
  const std::string payload(65'536, 'p');
  const std::string stream = build({.opcode = 2, .payload = payload}) + text_frame("next");
  for (std::size_t first = 0; first <= 14; ++first) {
    for (std::size_t second = 0; second <= 14; ++second) {
      const auto frames = parse_pieces(stream, {first, second});
      ASSERT_EQ(frames.size(), 2U);
      EXPECT_EQ(frames[0].header.payload_bytes, 65'536U);
      EXPECT_TRUE(frames[0].payload == payload);
      EXPECT_EQ(frames[1].payload, "next");
    }
  }
}

TEST(FrameParser, StreamsAFrameThatIsLargerThanItsBuffer) {
  std::string payload;
  for (std::size_t i = 0; i < 100'000; ++i) {
    payload += static_cast<char>(i * 7);
  }
  const auto frames =
      parse_pieces(build({.opcode = 2, .payload = payload}), std::vector<std::size_t>(97, 1031));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_TRUE(frames[0].is_whole);
  EXPECT_TRUE(frames[0].payload == payload);
}

TEST(FrameParser, UnmasksWhereTheBytesLie) {
  std::string stream = text_frame("in place");
  MutableBytes input{stream};
  FrameParser parser;
  FrameHeader header;
  ASSERT_EQ(parser.take_header(input, {}, header), FrameError::kNone);
  const FramePiece piece = parser.take_payload(input);
  EXPECT_EQ(piece.payload.data(), stream.data() + header.header_bytes);
  EXPECT_EQ(as_view(piece.payload), "in place");
  EXPECT_TRUE(piece.is_last());
  EXPECT_FALSE(parser.is_in_frame());
}

TEST(FrameParser, ReadsUnmaskedFramesAsAClient) {
  const auto frames = parse_pieces(build({.masked = false, .payload = "from the server"}), {3, 4},
                                   {.role = Role::kClient});
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].payload, "from the server");
}

TEST(FrameParser, FindsAnErrorInAHeaderThatWasCut) {
  const std::string bad = build({.length_bytes = 8, .announced = std::uint64_t{1} << 63});
  for (std::size_t cut = 0; cut < 10; ++cut) {
    std::string head = bad.substr(0, cut);
    std::string tail = bad.substr(cut);
    FrameParser parser;
    FrameHeader header;
    MutableBytes input{head};
    ASSERT_EQ(parser.take_header(input, {}, header), FrameError::kNone);
    ASSERT_EQ(header.header_bytes, 0);
    input = MutableBytes{tail};
    EXPECT_EQ(parser.take_header(input, {}, header), FrameError::kLengthHighBit) << cut;
  }
}

TEST(FrameParser, ValidatesTextInThePassThatUnmasksIt) {
  for (const bool masked : {true, false}) {
    std::string stream = build({.masked = masked, .payload = "\xC3\xA9\xFF"});
    MutableBytes input{stream};
    FrameParser parser;
    FrameHeader header;
    ASSERT_EQ(parser.take_header(input, {.role = masked ? Role::kServer : Role::kClient}, header),
              FrameError::kNone);
    Utf8Validator text;
    MutableBytes two = input.first(2);
    EXPECT_TRUE(parser.take_payload(two, &text).is_valid_text);
    EXPECT_TRUE(text.is_complete());
    MutableBytes one = input.last(1);
    EXPECT_FALSE(parser.take_payload(one, &text).is_valid_text);
  }
}

}  // namespace
}  // namespace wspush::websocket
