#include "door/deflation.hpp"

#include <string>

#include <gtest/gtest.h>

namespace wspush::door {
namespace {

using hub::WireForm;
using websocket::DeflateAgreement;
using websocket::FrameError;
using websocket::Inflater;
using websocket::ScratchBuffer;

WireForm form_for(WireForm plain, int bits) {
  return form_of(plain, DeflateAgreement{.server_window_bits = static_cast<std::uint8_t>(bits)});
}

std::string inflated(ByteView payload, int window_bits) {
  Inflater inflater({.window_bits = window_bits});
  ScratchBuffer scratch;
  EXPECT_EQ(inflater.inflate(payload, {.message_bytes_max = 1 << 20, .ratio_max = 2000}, scratch),
            FrameError::kNone);
  return std::string(as_view(scratch.view()));
}

std::uint64_t counted(const metrics::ReactorMetrics& metrics, metrics::Metric metric) {
  metrics::Snapshot snapshot;
  metrics.add_to(snapshot);
  return snapshot.value(metric);
}

TEST(Deflation, EachAgreementHasItsForm) {
  EXPECT_EQ(form_of(WireForm::kRaw, std::nullopt), WireForm::kRaw);
  EXPECT_EQ(form_of(WireForm::kWspushV1, std::nullopt), WireForm::kWspushV1);
  for (int bits = 8; bits <= 15; ++bits) {
    EXPECT_EQ(form_for(WireForm::kRaw, bits), bits < 12   ? WireForm::kRawDeflated9
                                              : bits < 15 ? WireForm::kRawDeflated12
                                                          : WireForm::kRawDeflated15);
    EXPECT_EQ(form_for(WireForm::kWspushV1, bits), bits < 12   ? WireForm::kWspushV1Deflated9
                                                   : bits < 15 ? WireForm::kWspushV1Deflated12
                                                               : WireForm::kWspushV1Deflated15);
  }
  EXPECT_EQ(form_of(WireForm::kRaw, DeflateAgreement{.server_context_takeover = true}),
            WireForm::kRaw)
      << "a window of its own: nothing can be shared";
}

TEST(Deflation, GrantsWhatTheConfigAllows) {
  metrics::ReactorMetrics metrics;
  EXPECT_FALSE(Deflation({.enabled = false}, metrics).bounds());
  const auto bounds = Deflation({.context_takeover = true, .window_bits = 11}, metrics).bounds();
  ASSERT_TRUE(bounds);
  EXPECT_EQ(bounds->window_bits, 11);
  EXPECT_TRUE(bounds->client_context_takeover);
  EXPECT_TRUE(bounds->server_context_takeover);
  EXPECT_FALSE(Deflation({}, metrics).bounds()->client_context_takeover);
  EXPECT_FALSE(Deflation({}, metrics).bounds()->server_context_takeover);
}

TEST(Deflation, LeavesPlainWhatIsSmallOrDoesNotShrink) {
  metrics::ReactorMetrics metrics;
  Deflation deflation({.min_bytes = 100}, metrics);
  const std::string message(100, 'x');
  const auto deflate = [&](ByteView first, ByteView second = {}) {
    const ByteView parts[] = {first, second};
    return deflation.deflate(WindowClass::k15, parts).has_value();
  };
  EXPECT_TRUE(deflate(message));
  EXPECT_FALSE(deflate(ByteView(message).substr(1)));
  EXPECT_TRUE(deflate(ByteView(message).substr(1), "y")) << "the parts count together";
  std::string letters;
  for (int i = 0; i < 200; ++i) {
    letters.push_back(static_cast<char>(i * 89 % 251));
  }
  EXPECT_FALSE(deflate(letters));
}

TEST(Deflation, CompressesWithinEachWindowAndCounts) {
  metrics::ReactorMetrics metrics;
  Deflation deflation({}, metrics);
  std::string message;
  for (int i = 0; i < 300; ++i) {
    message += "message " + std::to_string(i % 41) + ", ";
  }
  std::uint64_t bytes = 0;
  for (const int bits : {9, 12, 15}) {
    const ByteView view = message;
    const auto payload = deflation.deflate(window_class(bits), {&view, 1});
    ASSERT_TRUE(payload);
    bytes += payload->size();
    EXPECT_EQ(inflated(*payload, bits), message);
  }
  EXPECT_EQ(counted(metrics, metrics::Metric::kDeflateInputBytes), 3 * message.size());
  EXPECT_EQ(counted(metrics, metrics::Metric::kDeflateOutputBytes), bytes);
}

TEST(Deflation, ADeflaterOfOneConnectionIsMadeForTheFirstMessageThatIsNotSmall) {
  metrics::ReactorMetrics metrics;
  Deflation deflation({.min_bytes = 100}, metrics);
  std::unique_ptr<websocket::Deflater> own;
  const std::string message = "a message that comes again, " + std::string(100, 'x');
  const ByteView view = message;
  const ByteView small = view.substr(0, 99);
  EXPECT_FALSE(deflation.deflate(own, 15, {&small, 1}));
  EXPECT_EQ(own, nullptr);
  const std::size_t first = deflation.deflate(own, 15, {&view, 1})->size();
  EXPECT_NE(own, nullptr);
  EXPECT_LT(deflation.deflate(own, 15, {&view, 1})->size(), first / 2);
  EXPECT_EQ(counted(metrics, metrics::Metric::kDeflateInputBytes), 2 * message.size());
}

TEST(Deflation, AMessageMayBeDeflatedWhileTheOneThatItCameFromIsRead) {
  metrics::ReactorMetrics metrics;
  Deflation deflation({}, metrics);
  const std::string message(5000, 'x');
  const ByteView view = message;
  const std::string payload(*deflation.deflate(WindowClass::k15, {&view, 1}));
  MutableBytes back;
  ASSERT_EQ(deflation.inflate(nullptr, payload, 5000, back), FrameError::kNone);
  const ByteView echoed = as_view(back);
  EXPECT_EQ(deflation.deflate(WindowClass::k15, {&echoed, 1}), payload);
  EXPECT_EQ(as_view(back), message);
  EXPECT_EQ(counted(metrics, metrics::Metric::kInflateOutputBytes), 5000U);
  EXPECT_EQ(deflation.inflate(nullptr, payload, 4999, back), FrameError::kMessageTooBig);
}

}  // namespace
}  // namespace wspush::door
