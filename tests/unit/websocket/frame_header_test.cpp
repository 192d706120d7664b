#include "websocket/frame_header.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/websocket/frame_builder.hpp"

namespace wspush::websocket {
namespace {

FrameError parse(ByteView input, FrameHeader& header, HeaderRules rules = {}) {
  return parse_frame_header(input, rules, header);
}

FrameError error_of(const BuiltFrame& frame, HeaderRules rules = {}) {
  FrameHeader header;
  return parse(build(frame), header, rules);
}

TEST(FrameHeader, ReadsTheExamplesOfTheRfc) {  // §5.7
  FrameHeader header;
  EXPECT_EQ(parse("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", header), FrameError::kNone);
  EXPECT_EQ(header.header_bytes, 6);
  EXPECT_EQ(header.payload_bytes, 5U);
  EXPECT_EQ(header.opcode, Opcode::kText);
  EXPECT_TRUE(header.fin);
  EXPECT_TRUE(header.masked);
  EXPECT_EQ(header.masking_key, (MaskingKey{0x37, 0xfa, 0x21, 0x3d}));

  EXPECT_EQ(parse("\x01\x03Hel", header, {.role = Role::kClient}), FrameError::kNone);
  EXPECT_EQ(header.header_bytes, 2);
  EXPECT_FALSE(header.fin);
  EXPECT_FALSE(header.masked);
}

/// The rules of §5.2 and §5.5 for the first two bytes once more, as a list.
FrameError slow_judgement(unsigned first, unsigned second, HeaderRules rules) {
  const unsigned opcode = first % 16;
  const bool rsv1 = first / 64 % 2 == 1;
  const bool rsv2 = first / 32 % 2 == 1;
  const bool rsv3 = first / 16 % 2 == 1;
  if (rsv2 || rsv3 || (rsv1 && !(rules.allow_rsv1 && (opcode == 1 || opcode == 2)))) {
    return FrameError::kReservedBit;
  }
  if (opcode != 0 && opcode != 1 && opcode != 2 && opcode != 8 && opcode != 9 && opcode != 10) {
    return FrameError::kReservedOpcode;
  }
  if (opcode >= 8 && first < 128) {
    return FrameError::kFragmentedControl;
  }
  if (rules.role == Role::kServer && second < 128) {
    return FrameError::kMissingMask;
  }
  if (rules.role == Role::kClient && second >= 128) {
    return FrameError::kUnexpectedMask;
  }
  if (opcode >= 8 && second % 128 > 125) {
    return FrameError::kControlTooLong;
  }
  return FrameError::kNone;
}

TEST(FrameHeader, JudgesEveryPairOfFirstBytes) {
  for (const HeaderRules rules : {HeaderRules{Role::kServer, false},
                                  {Role::kServer, true},
                                  {Role::kClient, false},
                                  {Role::kClient, true}}) {
    for (unsigned first = 0; first < 256; ++first) {
      for (unsigned second = 0; second < 256; ++second) {
        const char input[] = {static_cast<char>(first), static_cast<char>(second)};
        FrameHeader header;
        ASSERT_EQ(parse({input, 2}, header, rules), slow_judgement(first, second, rules))
            << first << ' ' << second;
      }
    }
  }
}

TEST(FrameHeader, FailsAtTheByteThatIsWrong) {
  FrameHeader header;
  EXPECT_EQ(parse("\x83", header), FrameError::kReservedOpcode);
  EXPECT_EQ(parse("\xC1", header), FrameError::kReservedBit);
  EXPECT_EQ(parse("\x09", header), FrameError::kFragmentedControl);
  EXPECT_EQ(parse("\x81", header), FrameError::kNone);
  EXPECT_EQ(header.header_bytes, 0);
  EXPECT_EQ(parse("", header), FrameError::kNone);
  EXPECT_EQ(header.header_bytes, 0);
}

TEST(FrameHeader, TakesEachLengthInItsShortestFormOnly) {  // §5.2
  struct Case {
    std::uint64_t length;
    int length_bytes;
    FrameError expected;
  };
  constexpr auto kNotMinimal = FrameError::kLengthNotMinimal;
  for (const Case& test : std::vector<Case>{
           {0, 0, FrameError::kNone},
           {125, 0, FrameError::kNone},
           {0, 2, kNotMinimal},
           {125, 2, kNotMinimal},
           {126, 2, FrameError::kNone},
           {65'535, 2, FrameError::kNone},
           {0, 8, kNotMinimal},
           {65'535, 8, kNotMinimal},
           {65'536, 8, FrameError::kNone},
           {INT64_MAX, 8, FrameError::kNone},
           {std::uint64_t{1} << 63, 8, FrameError::kLengthHighBit},
           {UINT64_MAX - 1, 8, FrameError::kLengthHighBit},
       }) {
    const std::string frame =
        build({.opcode = 2, .length_bytes = test.length_bytes, .announced = test.length});
    FrameHeader header;
    EXPECT_EQ(parse(frame, header), test.expected) << test.length << ' ' << test.length_bytes;
    if (test.expected == FrameError::kNone) {
      EXPECT_EQ(header.payload_bytes, test.length);
      EXPECT_EQ(header.header_bytes, frame.size());
    }
  }
}

TEST(FrameHeader, FindsAPlainFrameWhereTheParserFindsAWholeOne) {
  std::string input(200, 'k');
  std::size_t found = 0;
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      for (const unsigned low : {10U, 125U, 126U, 192U, 193U}) {
        input[0] = static_cast<char>(first);
        input[1] = static_cast<char>(second);
        input[2] = 0;
        input[3] = static_cast<char>(low);
        for (const std::size_t bytes :
             {std::size_t{1}, std::size_t{7}, std::size_t{8}, input.size()}) {
          const ByteView there = ByteView(input).substr(0, bytes);
          PlainFrame plain;
          const bool is_plain = find_plain_frame(there, plain);
          FrameHeader header;
          const bool is_whole = parse(there, header) == FrameError::kNone &&
                                header.header_bytes != 0 &&
                                there.size() - header.header_bytes >= header.payload_bytes;
          const bool is_usual = header.fin && !header.rsv1 && header.opcode != Opcode::kClose &&
                                header.opcode != Opcode::kContinuation;
          ASSERT_EQ(is_plain, is_whole && is_usual) << first << ' ' << second << ' ' << bytes;
          if (is_plain) {
            ++found;
            EXPECT_EQ(plain.opcode, header.opcode);
            EXPECT_EQ(plain.header_bytes, header.header_bytes);
            EXPECT_EQ(plain.payload_bytes, header.payload_bytes);
            EXPECT_EQ(plain.masking_key, header.masking_key);
          }
        }
      }
    }
  }
  EXPECT_GT(found, 500U);
}

TEST(FrameHeader, ControlFramesTakeAtMost125Bytes) {  // §5.5; Autobahn 2.5
  for (const unsigned opcode : {8U, 9U, 10U}) {
    EXPECT_EQ(error_of({.opcode = opcode, .announced = 125}), FrameError::kNone);
    EXPECT_EQ(error_of({.opcode = opcode, .announced = 126}), FrameError::kControlTooLong);
    EXPECT_EQ(error_of({.opcode = opcode, .length_bytes = 8, .announced = 1}),
              FrameError::kControlTooLong);
  }
}

TEST(FrameHeader, WantsMoreForEveryProperPrefixAndNothingBehind) {
  for (const std::uint64_t length : {0ULL, 125ULL, 126ULL, 65'535ULL, 65'536ULL}) {
    for (const bool masked : {true, false}) {
      const HeaderRules rules{.role = masked ? Role::kServer : Role::kClient};
      const std::string bytes = build({.masked = masked, .announced = length});
      FrameHeader header;
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(parse(bytes.substr(0, size), header, rules), FrameError::kNone);
        EXPECT_EQ(header.header_bytes, 0) << length << ' ' << size;
      }
      EXPECT_EQ(parse(bytes + "xyz", header, rules), FrameError::kNone);
      EXPECT_EQ(header.header_bytes, bytes.size());
    }
  }
}

TEST(FrameHeader, EncodesWhatItParses) {
  for (const Opcode opcode : {Opcode::kContinuation, Opcode::kText, Opcode::kBinary}) {
    for (const std::uint64_t length :
         {0ULL, 1ULL, 125ULL, 126ULL, 127ULL, 65'535ULL, 65'536ULL, 0x0102030405060708ULL}) {
      for (const unsigned bits : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U}) {
        const FrameHeader original{.payload_bytes = length,
                                   .masking_key = {9, 8, 7, 6},
                                   .opcode = opcode,
                                   .fin = (bits & 1U) != 0,
                                   .rsv1 = (bits & 2U) != 0 && opcode != Opcode::kContinuation,
                                   .masked = (bits & 4U) != 0};
        const EncodedHeader encoded = encode_frame_header(original);
        EXPECT_EQ(encoded.view(), build({.opcode = static_cast<unsigned>(opcode),
                                         .fin = original.fin,
                                         .rsv = original.rsv1 ? 4U : 0U,
                                         .masked = original.masked,
                                         .key = "\x09\x08\x07\x06",
                                         .announced = length}));
        EXPECT_EQ(encoded.size, frame_header_bytes(length) + (original.masked ? 4 : 0));
        FrameHeader parsed;
        const HeaderRules rules{.role = original.masked ? Role::kServer : Role::kClient,
                                .allow_rsv1 = true};
        ASSERT_EQ(parse(encoded.view(), parsed, rules), FrameError::kNone);
        EXPECT_EQ(parsed.payload_bytes, length);
        EXPECT_EQ(parsed.opcode, opcode);
        EXPECT_EQ(parsed.fin, original.fin);
        EXPECT_EQ(parsed.rsv1, original.rsv1);
        EXPECT_EQ(parsed.header_bytes, encoded.size);
      }
    }
  }
}

}  // namespace
}  // namespace wspush::websocket
