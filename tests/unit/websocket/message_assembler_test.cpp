#include "websocket/message_assembler.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

#include "unit/websocket/frame_builder.hpp"
#include "unit/websocket/reference_codec.hpp"

namespace wspush::websocket {
namespace {

using Kind = AssemblerEvent::Kind;
using Lines = std::vector<std::string>;

std::string describe(const AssemblerEvent& event) {
  switch (event.kind) {
    case Kind::kNone:
      return "none";
    case Kind::kText:
      return line_of("text", as_view(event.payload));
    case Kind::kBinary:
      return line_of("binary", as_view(event.payload));
    case Kind::kPing:
      return line_of("ping", as_view(event.payload));
    case Kind::kPong:
      return line_of("pong", as_view(event.payload));
    case Kind::kClose:
      return line_of("close", std::to_string(static_cast<int>(event.close_code)) + ":" +
                                  std::string(as_view(event.payload)));
    case Kind::kError:
      EXPECT_EQ(event.close_code, close_code_for(event.error));
      return line_of("error", std::to_string(static_cast<int>(event.close_code)));
  }
  return {};
}

/// Feeds `piece` from a buffer of its own, which is gone afterwards.
void feed(MessageAssembler& assembler, std::string piece, const MessageRules& rules, Lines& lines) {
  MutableBytes input{piece};
  while (true) {
    const AssemblerEvent event = assembler.next(input, rules);
    if (event.kind == Kind::kNone) {
      break;
    }
    lines.push_back(describe(event));
  }
  EXPECT_TRUE(input.empty());
}

Lines events_of(const std::string& stream, const MessageRules& rules = {},
                const std::vector<std::size_t>& cuts = {}) {
  MessageAssembler assembler;
  Lines lines;
  std::size_t at = 0;
  for (const std::size_t cut : cuts) {
    feed(assembler, stream.substr(at, cut), rules, lines);
    at = std::min(stream.size(), at + cut);
  }
  feed(assembler, stream.substr(at), rules, lines);
  return lines;
}

/// `stream` whole, in every two pieces and byte by byte: the same events.
void expect_for_every_split(const std::string& stream, const Lines& expected,
                            const MessageRules& rules = {}) {
  for (std::size_t split = 0; split <= stream.size(); ++split) {
    ASSERT_EQ(events_of(stream, rules, {split}), expected) << "split at " << split;
  }
  ASSERT_EQ(events_of(stream, rules, std::vector<std::size_t>(stream.size(), 1)), expected);
}

std::string close_frame(std::string_view payload) {
  return build({.opcode = 8, .payload = payload});
}

// ---- Messages

TEST(MessageAssembler, HandsUpWholeMessagesAndControlFrames) {
  expect_for_every_split(
      text_frame("one") + build({.opcode = 2, .payload = "\x01\xFF"}) +
          build({.opcode = 9, .payload = "p"}) + build({.opcode = 10, .payload = ""}) +
          text_frame("") +
          close_frame("\x03\xE8"
                      "bye"),
      {"text:one", "binary:\x01\xFF", "ping:p", "pong:", "text:", "close:1000:bye"});
}

TEST(MessageAssembler, PutsFragmentsTogetherWithControlFramesBetweenThem) {  // §5.4; Autobahn 5.x
  const std::string stream = build({.opcode = 1, .fin = false, .payload = "a\xC3"}) +
                             build({.opcode = 9, .payload = "between"}) +
                             build({.opcode = 0, .fin = false, .payload = ""}) +
                             build({.opcode = 10, .payload = std::string(125, 'P')}) +
                             build({.opcode = 0, .fin = false, .payload = "\xA9"}) +
                             build({.opcode = 0, .payload = ""}) + text_frame("next");
  expect_for_every_split(
      stream, {"ping:between", "pong:" + std::string(125, 'P'), "text:a\xC3\xA9", "text:next"});
}

TEST(MessageAssembler, AMessageOfEmptyFragmentsIsEmpty) {  // Autobahn 6.1.2
  expect_for_every_split(build({.opcode = 1, .fin = false}) + build({.opcode = 0, .fin = false}) +
                             build({.opcode = 0}),
                         {"text:"});
}

TEST(MessageAssembler, HandsUpAWholeMessageAsAViewIntoTheInput) {
  std::string stream = text_frame("view") + build({.opcode = 9, .payload = "ping"});
  MutableBytes input{stream};
  MessageAssembler assembler;
  const AssemblerEvent text = assembler.next(input, {});
  EXPECT_EQ(text.payload.data(), stream.data() + 6);
  const AssemblerEvent ping = assembler.next(input, {});
  EXPECT_EQ(ping.payload.data(), stream.data() + stream.size() - 4);
  EXPECT_EQ(assembler.heap_bytes(), 0U);
  EXPECT_EQ(as_view(text.payload), "view") << "the second call left it alone";
}

TEST(MessageAssembler, MayPauseAfterAnyEvent) {
  std::string stream = text_frame("1") + text_frame("2");
  MutableBytes input{stream};
  MessageAssembler assembler;
  EXPECT_EQ(describe(assembler.next(input, {})), "text:1");
  EXPECT_EQ(as_view(input).size(), stream.size() / 2);
  std::string rest{as_view(input)};
  input = MutableBytes{rest};
  EXPECT_EQ(describe(assembler.next(input, {})), "text:2");
}

// ---- Memory

TEST(MessageAssembler, OwnsNothingWhenIdle) {
  MessageAssembler assembler;
  Lines lines;
  const std::string frame = text_frame(std::string(1000, 'x'));
  feed(assembler, frame.substr(0, 500), {}, lines);
  EXPECT_GT(assembler.heap_bytes(), 0U);
  EXPECT_TRUE(assembler.is_in_message());
  feed(assembler, frame.substr(500), {}, lines);
  EXPECT_EQ(lines.size(), 1U);
  EXPECT_EQ(assembler.heap_bytes(), 0U);
  EXPECT_FALSE(assembler.is_in_message());

  feed(assembler, build({.opcode = 9, .payload = "ping"}).substr(0, 8), {}, lines);
  EXPECT_GT(assembler.heap_bytes(), 0U);
  EXPECT_FALSE(assembler.is_in_message());
}

TEST(MessageAssembler, KeepsAHeaderThatIsCutWithoutTheHeap) {
  MessageAssembler assembler;
  Lines lines;
  feed(assembler, build({.announced = 1 << 20}).substr(0, 13), {}, lines);
  EXPECT_EQ(assembler.heap_bytes(), 0U);
}

TEST(MessageAssembler, AnAnnouncedLengthCostsNothing) {
  MessageAssembler assembler;
  Lines lines;
  feed(assembler, build({.payload = "0123456789", .announced = 1 << 20}), {}, lines);
  EXPECT_LT(assembler.heap_bytes(), 200U);
}

TEST(MessageAssembler, MemoryDoesNotGrowWithTheNumberOfFrames) {
  MessageAssembler assembler;
  Lines lines;
  feed(assembler, build({.opcode = 2, .fin = false, .payload = "x"}), {}, lines);
  const std::size_t heap_bytes = assembler.heap_bytes();
  for (int i = 0; i < 4000; ++i) {
    feed(assembler, build({.opcode = 0, .fin = false}), {}, lines);
  }
  EXPECT_EQ(assembler.heap_bytes(), heap_bytes);
  EXPECT_TRUE(lines.empty());
}

TEST(MessageAssembler, MakesRoomForManyFragmentsByDoublingIt) {
  MessageAssembler assembler;
  Lines lines;
  std::size_t heap_bytes = 0;
  int growths = 0;
  feed(assembler, build({.opcode = 2, .fin = false, .payload = "x"}), {}, lines);
  for (int i = 0; i < 4000; ++i) {
    feed(assembler, build({.opcode = 0, .fin = false, .payload = std::string(64, 'x')}), {}, lines);
    growths += assembler.heap_bytes() != heap_bytes ? 1 : 0;
    heap_bytes = assembler.heap_bytes();
  }
  EXPECT_LE(growths, 15);  // 64 B to 256 KB
  EXPECT_LE(heap_bytes, 2 * 64 * 4000 + 200);
}

TEST(MessageAssembler, FreesItsBufferWithAnErrorAndAfterAClose) {
  for (const std::string& end : {build({.opcode = 3}), close_frame("")}) {
    MessageAssembler assembler;
    Lines lines;
    feed(assembler, build({.opcode = 2, .fin = false, .payload = "unfinished"}), {}, lines);
    EXPECT_GT(assembler.heap_bytes(), 0U);
    feed(assembler, end, {}, lines);
    EXPECT_EQ(assembler.heap_bytes(), 0U);
    EXPECT_TRUE(assembler.is_finished());
  }
}

// ---- Order

TEST(MessageAssembler, RefusesAContinuationWithoutAMessage) {  // Autobahn 5.9 to 5.14
  expect_for_every_split(build({.opcode = 0, .payload = "x"}), {"error:1002"});
  expect_for_every_split(text_frame("a") + build({.opcode = 0, .fin = false, .payload = "x"}),
                         {"text:a", "error:1002"});
}

TEST(MessageAssembler, RefusesANewMessageInsideAFragmentedOne) {  // Autobahn 5.18
  expect_for_every_split(build({.opcode = 1, .fin = false, .payload = "a"}) + text_frame("b"),
                         {"error:1002"});
}

TEST(MessageAssembler, SaysWhatCameBeforeAnErrorFirstAndNothingAfter) {  // Autobahn 3.2, 4.1.3
  expect_for_every_split(text_frame("good") + build({.opcode = 9, .payload = "p"}) +
                             build({.opcode = 5}) + text_frame("lost"),
                         {"text:good", "ping:p", "error:1002"});
}

TEST(MessageAssembler, ThrowsAwayWhatFollowsAClose) {  // Autobahn 7.1.3 to 7.1.6
  expect_for_every_split(close_frame("\x03\xE8") + text_frame("late") + close_frame("x"),
                         {"close:1000:"});
}

// ---- Limits

TEST(MessageAssembler, TakesMessagesUpToTheLimit) {
  const MessageRules rules{.message_bytes_max = 300};
  const auto two = [](std::size_t first, std::size_t second) {
    return build({.opcode = 2, .fin = false, .payload = std::string(first, 'x')}) +
           build({.opcode = 0, .payload = std::string(second, 'x')});
  };
  const Lines good = {"binary:" + std::string(300, 'x')};
  EXPECT_EQ(events_of(build({.opcode = 2, .payload = std::string(299, 'x')}), rules),
            Lines{"binary:" + std::string(299, 'x')});
  EXPECT_EQ(events_of(build({.opcode = 2, .payload = std::string(300, 'x')}), rules), good);
  EXPECT_EQ(events_of(build({.opcode = 2, .payload = std::string(301, 'x')}), rules),
            Lines{"error:1009"});
  EXPECT_EQ(events_of(two(150, 150), rules), good);
  EXPECT_EQ(events_of(two(300, 0), rules), good);
  EXPECT_EQ(events_of(two(300, 1), rules), Lines{"error:1009"});
  EXPECT_EQ(events_of(two(0, 301), rules), Lines{"error:1009"});
}

TEST(MessageAssembler, JudgesALengthWhenItsHeaderIsWhole) {
  const std::string header = build({.announced = (1 << 20) + 1});
  EXPECT_EQ(events_of(header.substr(0, header.size() - 1)), Lines{});
  EXPECT_EQ(events_of(header), Lines{"error:1009"});
  EXPECT_EQ(events_of(build({.announced = INT64_MAX})), Lines{"error:1009"});
  EXPECT_EQ(events_of(build({.opcode = 2, .fin = false, .payload = "x"}) +
                      build({.opcode = 0, .announced = INT64_MAX})),
            Lines{"error:1009"});
}

TEST(MessageAssembler, ALimitThatShrinksInTheMiddleEndsTheMessage) {
  MessageAssembler assembler;
  Lines lines;
  feed(assembler, build({.opcode = 2, .fin = false, .payload = "0123456789"}), {}, lines);
  feed(assembler, build({.opcode = 0}), {.message_bytes_max = 5}, lines);
  EXPECT_EQ(lines, Lines{"error:1009"});
}

TEST(MessageAssembler, BoundsTheFramesOfAMessage) {
  const MessageRules rules{.frames_per_message_max = 3};
  const auto fragments = [](int count) {
    std::string stream = build({.opcode = 2, .fin = false});
    for (int i = 2; i < count; ++i) {
      stream += build({.opcode = 0, .fin = false}) + build({.opcode = 9, .payload = "not counted"});
    }
    return stream + build({.opcode = 0});
  };
  EXPECT_EQ(events_of(fragments(2), rules), Lines{"binary:"});
  EXPECT_EQ(events_of(fragments(3), rules), (Lines{"ping:not counted", "binary:"}));
  EXPECT_EQ(events_of(fragments(4), rules),
            (Lines{"ping:not counted", "ping:not counted", "error:1008"}));
  EXPECT_EQ(events_of(fragments(3) + fragments(3), rules).size(), 4U) << "counted anew";
}

// ---- UTF-8

TEST(MessageAssembler, JudgesTextAcrossFragments) {  // Autobahn 6.2.x
  const auto halves = [](std::string_view first, std::string_view second) {
    return build({.opcode = 1, .fin = false, .payload = first}) +
           build({.opcode = 0, .payload = second});
  };
  expect_for_every_split(halves("\xF0\x9F", "\x98\x80"), {"text:\xF0\x9F\x98\x80"});
  expect_for_every_split(halves("\xF0\x9F", "\x98"), {"error:1007"});
  expect_for_every_split(halves("\xF0\x9F", ""), {"error:1007"});
  expect_for_every_split(halves("\xF0\x9F", "\x41"), {"error:1007"});
  expect_for_every_split(text_frame("cut \xC3"), {"error:1007"});
  expect_for_every_split(text_frame("a") + text_frame("\x80"), {"text:a", "error:1007"});
}

TEST(MessageAssembler, FailsAtTheFirstBadByteOfAnUnfinishedFrame) {  // Autobahn 6.4.x
  const std::string frame = text_frame("\xCE\xBA\xF4\x90\x80\x80 and more");
  for (std::size_t size = 0; size <= frame.size(); ++size) {
    const bool has_bad_byte = size >= 6 + 4;
    EXPECT_EQ(events_of(frame.substr(0, size)), has_bad_byte ? Lines{"error:1007"} : Lines{});
  }
}

TEST(MessageAssembler, DoesNotJudgeBinaryAsText) {
  expect_for_every_split(build({.opcode = 2, .fin = false, .payload = "\xFF\xC3"}) +
                             build({.opcode = 0, .payload = "\xED\xA0"}) + text_frame("t"),
                         {"binary:\xFF\xC3\xED\xA0", "text:t"});
}

// ---- Close

TEST(MessageAssembler, JudgesTheCloseCodeOverItsWholeRange) {  // Autobahn 7.7.x, 7.9.x
  for (unsigned code = 0; code <= 0xFFFF; ++code) {
    const std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
    const Lines expected = may_be_received(static_cast<std::uint16_t>(code))
                               ? Lines{"close:" + std::to_string(code) + ":"}
                               : Lines{"error:1002"};
    ASSERT_EQ(events_of(close_frame(payload)), expected);
  }
}

TEST(MessageAssembler, JudgesTheClosePayload) {  // Autobahn 7.3.x, 7.5.1
  expect_for_every_split(close_frame(""), {"close:1005:"});
  expect_for_every_split(close_frame("\x03"), {"error:1002"});
  expect_for_every_split(close_frame("\x03\xE8" + std::string(123, 'r')),
                         {"close:1000:" + std::string(123, 'r')});
  expect_for_every_split(close_frame("\x03\xE8\xC3\xA9"), {"close:1000:\xC3\xA9"});
  expect_for_every_split(close_frame("\x03\xE8\xC3"), {"error:1007"});
  expect_for_every_split(close_frame("\x03\xE8\xED\xA0\x80"), {"error:1007"});
}

TEST(MessageAssembler, TakesACloseBetweenFragments) {
  expect_for_every_split(
      build({.opcode = 1, .fin = false, .payload = "half\xC3"}) + close_frame("\x03\xE9"
                                                                              "away"),
      {"close:1001:away"});
}

// ---- Extensions and roles

TEST(MessageAssembler, LetsRsv1ThroughWhereItWasNegotiated) {  // RFC 7692 §6
  const std::string stream = build({.opcode = 1, .fin = false, .rsv = 4, .payload = "\xFF"}) +
                             build({.opcode = 0, .payload = "\x00"}) + text_frame("plain");
  EXPECT_EQ(events_of(stream), Lines{"error:1002"});
  MessageAssembler assembler;
  std::string bytes = stream;
  MutableBytes input{bytes};
  const MessageRules rules{.allow_rsv1 = true};
  const AssemblerEvent compressed = assembler.next(input, rules);
  EXPECT_EQ(compressed.kind, Kind::kText);
  EXPECT_TRUE(compressed.is_compressed);
  const AssemblerEvent plain = assembler.next(input, rules);
  EXPECT_EQ(describe(plain), "text:plain");
  EXPECT_FALSE(plain.is_compressed);

  expect_for_every_split(
      build({.opcode = 1, .fin = false, .rsv = 4}) + build({.opcode = 0, .rsv = 4}), {"error:1002"},
      rules);
  expect_for_every_split(build({.opcode = 9, .rsv = 4}), {"error:1002"}, rules);
}

TEST(MessageAssembler, GivesACompressedMessageRoomForWhatDoesNotShrink) {
  const MessageRules rules{.allow_rsv1 = true, .message_bytes_max = 1000};
  const std::string fits(1000 + 125 + 64, 'x');
  EXPECT_EQ(events_of(build({.opcode = 2, .rsv = 4, .payload = fits}), rules),
            Lines{"binary:" + fits});
  EXPECT_EQ(events_of(build({.opcode = 2, .rsv = 4, .payload = fits + "x"}), rules),
            Lines{"error:1009"});
  EXPECT_EQ(events_of(build({.opcode = 2, .payload = fits}), rules), Lines{"error:1009"});
}

TEST(MessageAssembler, ReadsAServersFramesAsAClient) {
  const MessageRules rules{.role = Role::kClient};
  expect_for_every_split(build({.masked = false, .payload = "from the server"}) +
                             build({.opcode = 8, .masked = false}),
                         {"text:from the server", "close:1005:"}, rules);
  expect_for_every_split(text_frame("masked"), {"error:1002"}, rules);
  expect_for_every_split(build({.masked = false, .payload = "not masked"}), {"error:1002"});
}

// ---- Against the reference

/// Streams that are right for most of their length: else nothing but the first frame is tried.
std::string random_stream(Random& random) {
  static const std::string kTexts[] = {"",
                                       "a",
                                       "\xC3\xA9",
                                       "\xF0\x9F\x98\x80",
                                       std::string(126, 't'),
                                       std::string(64, 'u') + "\xE2\x82\xAC"};
  std::string stream;
  bool is_in_message = false;
  bool is_text = false;
  std::string carried;  // of a code point that the last fragment cut
  const std::size_t frames = 1 + random.below(8);
  for (std::size_t i = 0; i < frames; ++i) {
    if (random.below(4) == 0) {
      const std::string payload = random.below(3) == 0 ? "" : "ping";
      stream += build({.opcode = static_cast<unsigned>(9 + random.below(2)), .payload = payload});
      continue;
    }
    const bool fin = random.below(2) == 0;
    if (!is_in_message) {
      is_text = random.below(3) != 0;
    }
    std::string payload = carried + kTexts[random.below(std::size(kTexts))];
    carried.clear();
    if (!fin && is_text && !payload.empty() && random.below(2) == 0) {
      carried = payload.substr(payload.size() - 1);
      payload.pop_back();
    }
    const unsigned opcode = is_in_message ? 0 : is_text ? 1 : 2;
    stream += build({.opcode = opcode, .fin = fin, .payload = payload});
    is_in_message = !fin;
  }
  if (random.below(3) == 0) {
    stream += close_frame(random.below(2) == 0 ? "" : "\x0B\xB8reason");
  }
  return stream;
}

TEST(MessageAssembler, AgreesWithTheReferenceOnRandomStreamsCutAnywhere) {
  SplitMix64 random{5};
  int errors = 0;
  std::size_t events = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string stream = random_stream(random);
    const std::size_t faults = random.below(3);
    for (std::size_t i = 0; i < faults; ++i) {
      stream[random.below(stream.size())] ^= static_cast<char>(1U << random.below(8));
    }
    stream.resize(stream.size() - std::min(stream.size(), random.below(3) * random.below(20)));
    const MessageRules rules{.message_bytes_max = 100 + random.below(300),
                             .frames_per_message_max = 3 + static_cast<unsigned>(random.below(4))};
    const Lines expected = ReferenceCodec(stream, rules).events();
    events += expected.size();
    errors += !expected.empty() && expected.back().starts_with("error") ? 1 : 0;

    std::vector<std::size_t> cuts;
    const std::size_t cut_max = 1 + random.below(40);
    for (std::size_t at = 0; at < stream.size(); at += cuts.back()) {
      cuts.push_back(random.below(cut_max + 1) + (round % 2 == 0 ? 1 : 0));
      if (cuts.size() > 300) {
        break;
      }
    }
    ASSERT_EQ(events_of(stream, rules), expected) << round;
    ASSERT_EQ(events_of(stream, rules, cuts), expected) << round;
    ASSERT_EQ(events_of(stream, rules, std::vector<std::size_t>(stream.size(), 1)), expected)
        << round;
  }
  EXPECT_GT(errors, 4000);
  EXPECT_LT(errors, 16'000);
  EXPECT_GT(events, 40'000U);
}

/// A header that is cut takes the long way, whatever it says.
TEST(MessageAssembler, TakesAPlainFrameAsTheLongWayDoes) {
  const std::string payloads[] = {std::string(400, 'x'), std::string(399, 'x') + "\xC3",
                                  std::string(10, '\xC3')};
  const MessageRules rules{.message_bytes_max = 200};
  std::size_t whole_messages = 0;
  for (unsigned first = 0; first < 256; ++first) {
    for (const unsigned length : {0U, 1U, 5U, 124U, 125U, 126U, 127U, 200U, 201U, 399U, 400U}) {
      for (const int length_bytes : {0, 2, 8}) {
        if (length_bytes == 0 && length > 127) {
          continue;
        }
        for (const std::string& payload : payloads) {
          for (const bool masked : {true, false}) {
            const std::string frame = build({.opcode = first % 16,
                                             .fin = first >= 128,
                                             .rsv = first / 16 % 8,
                                             .masked = masked,
                                             .payload = std::string_view(payload).substr(0, length),
                                             .length_bytes = length_bytes});
            const std::string stream = frame + text_frame("next");
            const Lines expected = events_of(stream, rules, {1});
            ASSERT_EQ(events_of(stream, rules), expected) << first << ' ' << length;
            ASSERT_EQ(events_of(stream, rules, {frame.size() - 1}), expected)
                << first << ' ' << length;
            whole_messages += expected.size() == 2 && expected[0] != expected[1] ? 1U : 0U;
          }
        }
      }
    }
  }
  EXPECT_GT(whole_messages, 50U);
}

TEST(MessageAssembler, TakesAPlainFrameOnlyWhereNothingIsUnfinished) {
  expect_for_every_split(build({.opcode = 1, .fin = false, .payload = "a"}) + text_frame("b"),
                         {"error:1002"});
  expect_for_every_split(build({.opcode = 1, .fin = false, .payload = "a"}) +
                             build({.opcode = 9, .payload = "p"}) +
                             build({.opcode = 0, .payload = "c"}),
                         {"ping:p", "text:ac"});
}

TEST(MessageAssembler, HoldsAPlainFrameToTheLimits) {
  EXPECT_EQ(events_of(text_frame("12345"), {.message_bytes_max = 5}), Lines{"text:12345"});
  EXPECT_EQ(events_of(text_frame("123456"), {.message_bytes_max = 5}), Lines{"error:1009"});
  EXPECT_EQ(events_of(build({.opcode = 9, .payload = "123456"}), {.message_bytes_max = 5}),
            Lines{"ping:123456"});
  EXPECT_EQ(events_of(text_frame("1"), {.frames_per_message_max = 0}), Lines{"error:1008"});
}

TEST(MessageAssembler, SurvivesBytesThatMeanNothing) {
  SplitMix64 random{6};
  for (int round = 0; round < 20'000; ++round) {
    std::string stream;
    const std::size_t size = random.below(60);
    for (std::size_t i = 0; i < size; ++i) {
      stream += static_cast<char>(random.next());
    }
    if (!stream.empty()) {
      stream[0] = static_cast<char>(0x80 + random.below(3));
    }
    const MessageRules rules{.message_bytes_max = 40};
    const Lines expected = ReferenceCodec(stream, rules).events();
    ASSERT_EQ(events_of(stream, rules), expected) << round;
    ASSERT_EQ(events_of(stream, rules, {random.below(10), random.below(10)}), expected) << round;
  }
}

}  // namespace
}  // namespace wspush::websocket
