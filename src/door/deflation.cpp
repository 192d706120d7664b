#include "door/deflation.hpp"

#include <algorithm>

namespace wspush::door {
namespace {

using websocket::Deflater;
using websocket::FrameError;
using websocket::Inflater;

constexpr std::array<int, kWindowClassCount> kWindowBits = {9, 12, 15};

static_assert(window_class(8) == WindowClass::k9 && window_class(11) == WindowClass::k9 &&
              window_class(12) == WindowClass::k12 && window_class(14) == WindowClass::k12 &&
              window_class(15) == WindowClass::k15);

// Deflated twins follow the plain forms, door by door within a class; what has none stands behind.
constexpr std::size_t kPlainForms = 2;
static_assert(static_cast<std::size_t>(hub::WireForm::kWspushV1Deflated9) == kPlainForms &&
              static_cast<std::size_t>(hub::WireForm::kRawDeflated12) == 2 * kPlainForms + 1 &&
              static_cast<std::size_t>(hub::WireForm::kSse) ==
                  kPlainForms * (1 + kWindowClassCount));

/// For a deflater of one connection: as much memory for the rest (hash heads, symbols that wait) as
/// for the window and its chains, 2^(window_bits + 3) bytes in all. 256 KiB with 15 bits.
constexpr int own_memory_level(int window_bits) {
  return std::clamp(window_bits - 7, 2, 8);
}

std::size_t bytes_of(std::span<const ByteView> parts) {
  std::size_t bytes = 0;
  for (const ByteView part : parts) {
    bytes += part.size();
  }
  return bytes;
}

}  // namespace

hub::WireForm form_of(hub::WireForm plain,
                      const std::optional<websocket::DeflateAgreement>& agreement) {
  if (!agreement || agreement->server_context_takeover) {
    return plain;
  }
  const auto window = static_cast<std::size_t>(window_class(agreement->server_window_bits));
  return static_cast<hub::WireForm>(static_cast<std::size_t>(plain) + kPlainForms * (1 + window));
}

Deflation::Deflation(const config::Compression& settings, metrics::ReactorMetrics& metrics)
    : settings_(settings), metrics_(metrics) {
}

std::optional<websocket::DeflateBounds> Deflation::bounds() const {
  if (!settings_.enabled) {
    return std::nullopt;
  }
  return websocket::DeflateBounds{.server_context_takeover = settings_.context_takeover,
                                  .client_context_takeover = settings_.context_takeover,
                                  .window_bits = settings_.window_bits};
}

std::optional<ByteView> Deflation::deflate(WindowClass window, std::span<const ByteView> parts) {
  const std::size_t bytes = bytes_of(parts);
  if (bytes < settings_.min_bytes) {
    return std::nullopt;
  }
  const auto place = static_cast<std::size_t>(window);
  std::unique_ptr<Deflater>& deflater = deflaters_[place];
  if (deflater == nullptr) {
    deflater = std::make_unique<Deflater>(
        Deflater::Options{.window_bits = kWindowBits[place], .level = settings_.level});
  }
  return deflate(*deflater, bytes, parts);
}

std::optional<ByteView> Deflation::deflate(std::unique_ptr<Deflater>& own, int window_bits,
                                           std::span<const ByteView> parts) {
  const std::size_t bytes = bytes_of(parts);
  if (bytes < settings_.min_bytes) {
    return std::nullopt;
  }
  if (own == nullptr) {
    own =
        std::make_unique<Deflater>(Deflater::Options{.window_bits = window_bits,
                                                     .level = settings_.level,
                                                     .memory_level = own_memory_level(window_bits),
                                                     .keeps_context = true});
  }
  return deflate(*own, bytes, parts);
}

std::optional<ByteView> Deflation::deflate(Deflater& deflater, std::size_t bytes,
                                           std::span<const ByteView> parts) {
  const auto payload = deflater.deflate(parts, deflated_);
  if (payload) {
    metrics_.add(metrics::Metric::kDeflateInputBytes, bytes);
    metrics_.add(metrics::Metric::kDeflateOutputBytes, payload->size());
  }
  return payload;
}

FrameError Deflation::inflate(Inflater* own, ByteView payload, std::uint64_t message_bytes_max,
                              MutableBytes& message) {
  if (own == nullptr && inflater_ == nullptr) {
    inflater_ = std::make_unique<Inflater>(Inflater::Options{});
  }
  Inflater& inflater = own != nullptr ? *own : *inflater_;
  const FrameError error = inflater.inflate(
      payload, {.message_bytes_max = message_bytes_max, .ratio_max = settings_.max_ratio},
      inflated_);
  message = inflated_.view();
  inflated_in_turn_ += payload.size() + message.size();
  metrics_.add(metrics::Metric::kInflateInputBytes, payload.size());
  metrics_.add(metrics::Metric::kInflateOutputBytes, message.size());
  return error;
}

bool Deflation::has_inflated_enough(TimePoint turn) {
  if (turn != turn_) {
    turn_ = turn;
    inflated_in_turn_ = 0;
  }
  return inflated_in_turn_ >= kInflatedPerTurnMax;
}

}  // namespace wspush::door
