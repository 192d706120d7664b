#include "websocket/permessage_deflate.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "wspush/base/random.hpp"

namespace wspush::websocket {
namespace {

constexpr Inflater::Bounds kWide{.message_bytes_max = 1 << 24, .ratio_max = 2000};

// --- what plain calls of zlib say, without the codec's help

/// A whole raw stream, compressed by a window of its own; `flush` as zlib has it.
std::string compressed(ByteView bytes, int flush, int window_bits = 15, int level = 6) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(bytes.size() + bytes.size() / 8 + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, flush);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// As a client would send it.
std::string payload_of(ByteView bytes, int window_bits = 15) {
  std::string out = compressed(bytes, Z_SYNC_FLUSH, window_bits);
  out.resize(out.size() - 4);
  return out;
}

/// What a receiver with a window of `window_bits` makes of payloads, one after the other in one
/// window; "error" where it cannot.
std::string inflated(const std::vector<std::string>& payloads, int window_bits = 15) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, -window_bits), Z_OK);
  std::string out;
  bool is_good = true;
  for (const std::string& payload : payloads) {
    std::string input = payload + std::string("\x00\x00\xff\xff", 4);
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    while (is_good && stream.avail_in > 0) {
      // Byte by byte out, so that nothing can be copied but out of the window.
      char byte = 0;
      stream.next_out = reinterpret_cast<Bytef*>(&byte);
      stream.avail_out = 1;
      const int status = inflate(&stream, Z_SYNC_FLUSH);
      is_good = status == Z_OK || status == Z_BUF_ERROR;
      if (stream.avail_out == 0) {
        out.push_back(byte);
      }
    }
  }
  inflateEnd(&stream);
  return is_good ? out : "error";
}

/// True when a receiver that keeps only 2^window_bits bytes gets `wanted` out of `payload`.
bool fits_into(const std::string& payload, ByteView wanted, int window_bits) {
  return inflated({payload}, window_bits) == wanted;
}

// --- shorthands

std::optional<std::string> deflate_with(Deflater& deflater, ScratchBuffer& scratch,
                                        std::vector<ByteView> parts) {
  const auto payload = deflater.deflate(parts, scratch);
  return payload ? std::optional<std::string>(*payload) : std::nullopt;
}

/// The message, or the error's text.
std::string inflate_with(Inflater& inflater, ByteView payload, Inflater::Bounds bounds = kWide) {
  ScratchBuffer scratch;
  const FrameError error = inflater.inflate(payload, bounds, scratch);
  return error == FrameError::kNone ? std::string(as_view(scratch.view()))
                                    : std::string(describe(error));
}

std::string inflate_alone(ByteView payload, Inflater::Bounds bounds = kWide) {
  Inflater inflater({});
  return inflate_with(inflater, payload, bounds);
}

const std::string kInvalid{describe(FrameError::kInvalidDeflate)};
const std::string kTooBig{describe(FrameError::kMessageTooBig)};
const std::string kTooFar{describe(FrameError::kInflatesTooFar)};

/// Text with repetitions near and far.
std::string words(SplitMix64& random, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    text += "word" + std::to_string(random.below(400)) + ' ';
  }
  text.resize(bytes);
  return text;
}

std::string noise(SplitMix64& random, std::size_t bytes) {
  std::string text(bytes, '\0');
  for (char& c : text) {
    c = static_cast<char>(random.below(256));
  }
  return text;
}

// --- the examples of RFC 7692 §7.2.3

TEST(Inflater, ReadsTheExamplesOfTheRfc) {
  EXPECT_EQ(inflate_alone({"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}), "Hello");
  EXPECT_EQ(inflate_alone({"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11}), "Hello")
      << "a block without compression";
  EXPECT_EQ(inflate_alone({"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8}), "Hello") << "BFINAL is set";
  EXPECT_EQ(inflate_alone({"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13}), "Hello")
      << "two blocks";
  EXPECT_EQ(inflate_alone({"\x00", 1}), "") << "an empty message";
  EXPECT_EQ(inflate_alone({"\x02\x00", 2}), "") << "an empty message, the longer way";
}

TEST(Inflater, KeepsTheWindowFromMessageToMessageWhereAgreed) {  // §7.2.3.2
  Inflater inflater({.keeps_context = true});
  EXPECT_EQ(inflate_with(inflater, {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}), "Hello");
  EXPECT_EQ(inflate_with(inflater, {"\xf2\x00\x11\x00\x00", 5}), "Hello");
}

TEST(Inflater, WithoutTakeoverNoMessageSeesAnother) {
  Inflater inflater({});
  EXPECT_EQ(inflate_with(inflater, {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}), "Hello");
  EXPECT_EQ(inflate_with(inflater, {"\xf2\x00\x11\x00\x00", 5}), kInvalid);
  EXPECT_EQ(inflate_with(inflater, {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}), "Hello")
      << "an error does not outlive its message";
}

TEST(Inflater, GoesOnBehindAFinalBlockWithTheSameWindow) {  // §7.2.3.4
  // "Hello" in a final block, then a block that copies it out of the window, then the empty one.
  const std::string hello{"\xf3\x48\xcd\xc9\xc9\x07\x00", 7};
  const std::string again{"\xf2\x00\x11\x00\x00", 5};
  EXPECT_EQ(inflate_alone(hello + again), "HelloHello");
  EXPECT_EQ(inflate_alone(hello + hello + hello + std::string(1, '\0')), "HelloHelloHello");
  EXPECT_EQ(inflate_alone(hello), "Hello") << "the empty block was left out";
  EXPECT_EQ(inflate_alone(hello + std::string(1, '\0')), "Hello");
  EXPECT_EQ(inflate_alone(hello + "\xff"), kInvalid) << "garbage behind it";
  EXPECT_EQ(inflate_alone(hello + std::string("\xf2\x00\x51\x00\x00", 5)), kInvalid)
      << "further back than the message is long";
  Inflater inflater({.keeps_context = true});
  EXPECT_EQ(inflate_with(inflater, hello + std::string(1, '\0')), "Hello");
  EXPECT_EQ(inflate_with(inflater, again), "Hello") << "and in the next message";
}

TEST(Inflater, ManyFinalBlocksCostNoMoreThanTheirBytes) {
  std::string blocks;
  for (int i = 0; i < 500'000; ++i) {
    blocks += std::string("\x03\x00", 2);  // final, empty, padded to a byte
  }
  EXPECT_EQ(inflate_alone(blocks + std::string(1, '\0')), "");
}

TEST(Inflater, RefusesWhatIsNotWholeBlocks) {
  EXPECT_EQ(inflate_alone(""), kInvalid) << "an empty compressed frame";
  EXPECT_EQ(inflate_alone("\xff\xff\xff\xff"), kInvalid);
  EXPECT_EQ(inflate_alone("Hello"), kInvalid);
  EXPECT_EQ(inflate_alone(std::string(1000, '\x07')), kInvalid) << "a reserved block type";
  SplitMix64 random(3);
  const std::string whole = payload_of(words(random, 600));
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_EQ(inflate_alone(whole.substr(0, bytes)), kInvalid) << bytes;
  }
}

TEST(Inflater, SurvivesGarbageAndChangedBytes) {
  SplitMix64 random(11);
  Inflater inflater({});
  const std::string good = payload_of(words(random, 3000));
  for (int i = 0; i < 3000; ++i) {
    std::string payload = i % 2 == 0 ? good : noise(random, random.below(200));
    if (i % 2 == 0) {
      payload[random.below(payload.size())] ^= static_cast<char>(1U << random.below(8));
    }
    ScratchBuffer scratch;
    const FrameError error =
        inflater.inflate(payload, {.message_bytes_max = 10'000, .ratio_max = 1000}, scratch);
    EXPECT_LE(scratch.size(), 10'001U);
    EXPECT_TRUE(error == FrameError::kNone || error == FrameError::kInvalidDeflate ||
                error == FrameError::kMessageTooBig || error == FrameError::kInflatesTooFar);
  }
  EXPECT_EQ(inflate_with(inflater, payload_of("still good, still good")), "still good, still good");
}

TEST(Inflater, StopsAtTheFirstByteAboveTheBound) {
  for (const std::size_t bytes : {0UL, 1UL, 100UL, 16'383UL, 16'384UL, 16'385UL, 100'000UL}) {
    const std::string message(bytes, 'x');
    const std::string payload = payload_of(message);
    const auto inflate_to = [&](std::uint64_t bound) {
      return inflate_alone(payload, {.message_bytes_max = bound, .ratio_max = 2000});
    };
    EXPECT_EQ(inflate_to(bytes), message) << bytes;
    EXPECT_EQ(inflate_to(bytes + 1), message) << bytes;
    if (bytes > 0) {
      EXPECT_EQ(inflate_to(bytes - 1), kTooBig) << bytes;
    }
  }
}

TEST(Inflater, ABombCostsNoMoreThanTheBound) {
  const std::string bomb = payload_of(std::string(20 << 20, '\0'));
  ScratchBuffer scratch;
  Inflater inflater({});
  EXPECT_EQ(inflater.inflate(bomb, {.message_bytes_max = 1 << 20, .ratio_max = 1'000'000}, scratch),
            FrameError::kMessageTooBig);
  EXPECT_EQ(scratch.size(), (1U << 20) + 1);
  EXPECT_LE(scratch.capacity(), 2U << 20);
  EXPECT_EQ(inflater.inflate(bomb, {.message_bytes_max = 1 << 30, .ratio_max = 10}, scratch),
            FrameError::kInflatesTooFar);
  EXPECT_EQ(scratch.size(), 10 * bomb.size() + 1);
}

TEST(Inflater, HoldsTheRatioToTheByte) {
  const std::string message(5000, 'x');
  const std::string payload = payload_of(message);
  const std::uint64_t below = message.size() / payload.size();
  EXPECT_EQ(inflate_alone(payload, {.message_bytes_max = 1 << 20, .ratio_max = below}), kTooFar);
  EXPECT_EQ(inflate_alone(payload, {.message_bytes_max = 1 << 20, .ratio_max = below + 1}),
            message);
}

TEST(Inflater, TakesEveryWindowOfTheClient) {
  SplitMix64 random(5);
  const std::string message = words(random, 70'000);
  for (int bits = 9; bits <= 15; ++bits) {
    const std::string payload = payload_of(message, bits);
    Inflater exact({.window_bits = bits});
    EXPECT_EQ(inflate_with(exact, payload), message) << bits;
    EXPECT_EQ(inflate_alone(payload), message) << bits;
  }
}

// --- Deflater

TEST(Deflater, SaysWhatPlainZlibUnderstands) {
  SplitMix64 random(1);
  ScratchBuffer scratch;
  for (int bits = 8; bits <= 15; ++bits) {
    for (const int level : {1, 6, 9}) {
      Deflater deflater({.window_bits = bits, .level = level});
      for (const std::size_t bytes : {40UL, 125UL, 1024UL, 70'000UL}) {
        const std::string message = words(random, bytes);
        const auto payload = deflate_with(deflater, scratch, {message});
        ASSERT_TRUE(payload) << bits << ' ' << level << ' ' << bytes;
        EXPECT_LT(payload->size(), message.size());
        EXPECT_EQ(inflated({*payload}, bits), message) << bits << ' ' << level << ' ' << bytes;
      }
    }
  }
}

TEST(Deflater, KeepsToTheWindowThatWasAgreed) {  // RFC 7692 §7.1.2.1
  // A run that comes again after exactly `distance` bytes of noise; an inflater that keeps fewer
  // bytes than a match reaches back refuses it.
  SplitMix64 random(2);
  ScratchBuffer scratch;
  for (int bits = 8; bits <= 15; ++bits) {
    const std::size_t window = std::size_t{1} << bits;
    for (const int level : {1, 4, 6, 9}) {
      for (const int memory_level : {1, 8}) {
        Deflater deflater({.window_bits = bits, .level = level, .memory_level = memory_level});
        for (const std::size_t distance :
             {window - 263, window - 262, window - 261, window - 1, window, window + 1, 2 * window,
              2 * window - 262, std::size_t{250}, std::size_t{251}, std::size_t{256},
              std::size_t{257}, std::size_t{512}}) {
          if (distance < 130 || distance > 4 * window) {
            continue;
          }
          const std::string run = noise(random, 100);
          std::string message = run + noise(random, distance - run.size());
          message += run + std::string(300, 'x');
          for (int again = 0; again < 8; ++again) {
            message += message.substr(message.size() - std::min(message.size(), distance), 120);
          }
          const auto payload = deflate_with(deflater, scratch, {message});
          if (payload) {
            EXPECT_TRUE(fits_into(*payload, message, bits))
                << bits << ' ' << level << ' ' << memory_level << ' ' << distance;
          }
        }
      }
    }
  }
}

TEST(Deflater, ALargerWindowWouldBeCaughtReachingBackTooFar) {
  // The test above can fail: what plain zlib makes with ten bits does not fit into nine.
  SplitMix64 random(8);
  const std::string run = noise(random, 100);
  const std::string message = run + noise(random, 500) + run;
  EXPECT_TRUE(fits_into(payload_of(message, 10), message, 10));
  EXPECT_FALSE(fits_into(payload_of(message, 10), message, 9));
  EXPECT_FALSE(fits_into(payload_of(message, 10), message, 8));
}

TEST(Deflater, WithEightBitsNoMatchNeedsMoreThan256Bytes) {
  SplitMix64 random(21);
  ScratchBuffer scratch;
  for (int i = 0; i < 400; ++i) {
    Deflater deflater({.window_bits = 8, .level = 1 + i % 9, .memory_level = 1 + i % 9});
    std::string message;
    while (message.size() < 4000) {
      const std::size_t back = 1 + random.below(600);
      if (message.size() > back && random.below(3) > 0) {
        message += message.substr(message.size() - back, 3 + random.below(300));
      } else {
        message += noise(random, 1 + random.below(20));
      }
    }
    const auto payload = deflate_with(deflater, scratch, {message});
    ASSERT_TRUE(payload);
    ASSERT_TRUE(fits_into(*payload, message, 8)) << i;
  }
}

TEST(Deflater, WithTakeoverAMessageMayReferToTheLastOnes) {
  ScratchBuffer scratch;
  Deflater deflater({.keeps_context = true});
  const std::string message = R"({"op":"message","topic":"news","data":"Hello"})";
  std::vector<std::string> payloads;
  std::string all;
  for (int i = 0; i < 5; ++i) {
    payloads.push_back(*deflate_with(deflater, scratch, {message}));
    all += message;
  }
  EXPECT_EQ(inflated(payloads), all);
  EXPECT_LT(payloads[1].size(), 10U);
  EXPECT_EQ(inflated({payloads[1]}), "error") << "it does not stand alone";
}

TEST(Deflater, WithTakeoverThereIsAlwaysAResult) {
  SplitMix64 random(4);
  ScratchBuffer scratch;
  Deflater deflater({.keeps_context = true});
  std::vector<std::string> payloads;
  std::string all;
  for (const std::size_t bytes : {0UL, 0UL, 1UL, 5UL, 300UL, 0UL, 100'000UL, 1UL, 0UL}) {
    const std::string message = noise(random, bytes);
    payloads.push_back(*deflate_with(deflater, scratch, {message}));
    all += message;
  }
  EXPECT_EQ(payloads[0], std::string(1, '\0')) << "RFC 7692 7.2.3.6";
  EXPECT_EQ(inflated(payloads), all);
}

TEST(Deflater, WithoutTakeoverEachMessageStandsAlone) {
  ScratchBuffer scratch;
  Deflater deflater({});
  const std::string message = R"({"op":"message","topic":"news","data":"aaaaaaaaaaaaaaaa"})";
  const auto first = deflate_with(deflater, scratch, {message});
  ASSERT_TRUE(first);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(deflate_with(deflater, scratch, {message}), first);
  }
  EXPECT_EQ(inflated({*first}), message);
}

TEST(Deflater, GivesUpWhereNothingIsGained) {
  SplitMix64 random(6);
  ScratchBuffer scratch;
  Deflater deflater({});
  for (const std::size_t bytes : {0UL, 1UL, 2UL, 10UL, 1000UL, 100'000UL}) {
    EXPECT_EQ(deflate_with(deflater, scratch, {noise(random, bytes)}), std::nullopt) << bytes;
    const std::string message = words(random, 500);
    const auto next = deflate_with(deflater, scratch, {message});
    ASSERT_TRUE(next);
    EXPECT_EQ(inflated({*next}), message) << "what was given up leaves nothing behind";
  }
}

TEST(Deflater, MakesTheSameOfAMessageHoweverItIsCut) {
  SplitMix64 random(7);
  ScratchBuffer scratch;
  Deflater deflater({});
  const std::string message = words(random, 400);
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    const ByteView view = message;
    const auto payload =
        deflate_with(deflater, scratch, {view.substr(0, cut), {}, view.substr(cut)});
    ASSERT_TRUE(payload);
    ASSERT_EQ(inflated({*payload}), message) << cut;
  }
}

TEST(PermessageDeflate, GoesRoundWithEveryAgreement) {
  SplitMix64 random(9);
  ScratchBuffer scratch;
  for (int bits = 8; bits <= 15; ++bits) {
    for (const bool keeps : {false, true}) {
      Deflater deflater(
          {.window_bits = bits, .level = 1, .memory_level = 5, .keeps_context = keeps});
      Inflater inflater({.window_bits = bits, .keeps_context = keeps});
      std::vector<std::string> payloads;
      std::string all;
      for (int i = 0; i < 60; ++i) {
        const std::string message = random.below(4) == 0 ? noise(random, random.below(3000))
                                                         : words(random, random.below(9000));
        const auto payload = deflate_with(deflater, scratch, {message});
        if (!payload) {
          ASSERT_FALSE(keeps);
          continue;
        }
        ASSERT_EQ(inflate_with(inflater, *payload), message) << bits << keeps << i;
        payloads.push_back(*payload);
        all += message;
      }
      if (keeps) {
        EXPECT_EQ(inflated(payloads, bits), all) << bits;
      }
    }
  }
}

TEST(ScratchBuffer, GivesBackWhatALargeMessageNeeded) {
  ScratchBuffer scratch;
  Inflater inflater({});
  EXPECT_EQ(inflater.inflate(payload_of(std::string(1 << 20, 'x')), kWide, scratch),
            FrameError::kNone);
  EXPECT_GE(scratch.capacity(), std::size_t{1} << 20);
  EXPECT_EQ(inflater.inflate(payload_of("small"), kWide, scratch), FrameError::kNone);
  EXPECT_LE(scratch.capacity(), ScratchBuffer::kKeptBytesMax);
}

}  // namespace
}  // namespace wspush::websocket
